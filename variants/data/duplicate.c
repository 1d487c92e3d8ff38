// duplicate.c: 0w0w: a random word twice, each time behind a 0; the second time it can be known.
//
// Kitaev et al. 2020 (Reformer), arXiv 2001.04451, section 5: symbols 1 .. model.vocab - 1 (there 127), |w| = model.seq_len / 2
// - 1 (there 511). Targets are the next tokens, in the second half alone: at the second 0 and on, each symbol of w but nothing
// after the last. Guessing gives an accuracy of 1 / (model.vocab - 1).
//
// Refuses: an odd model.seq_len or one without room for a symbol, and models that look ahead.
#include "registry/component.h"

#include <inttypes.h>

struct duplicate {
    int64_t examples, held_out;
};

static const struct option options[] = {
    {"examples", OPTION_INT, offsetof(struct duplicate, examples), .fallback = "1000000000", .min = 1, .max = OPTION_NO_LIMIT,
     .unit = "examples", .help = "size of the training set that steps draw from; at the default hardly any is seen twice"},
    {"held_out", OPTION_INT, offsetof(struct duplicate, held_out), .fallback = "1000", .min = 1, .max = 1e9, .unit = "examples",
     .help = "in the validation part, and as many others in the test part"},
    {0},
};

static void example(const void *self, const struct model_scalars *model, uint64_t key, int32_t *tokens, int32_t *targets)
{
    (void)self;
    const int64_t half = model->seq_len / 2;
    for (int64_t t = 0; t < half; t++) {
        int32_t symbol = t == 0 ? 0 : 1 + (int32_t)random_below(key, 0, (uint64_t)t, (uint64_t)model->vocab - 1);
        tokens[t] = tokens[half + t] = symbol;
        targets[t] = targets[half + t] = -1;
        if (t > 0)
            targets[half + t - 1] = symbol;
    }
}

static int64_t examples(const void *self, enum data_part part)
{
    const struct duplicate *duplicate = self;
    return part == DATA_TRAIN ? duplicate->examples : duplicate->held_out;
}

static bool accepts(const void *self, const struct run *run, struct error *error)
{
    const int64_t seq_len = run->model.seq_len;
    if (seq_len % 2 != 0 || seq_len < 4)
        return error_request(error,
                             "data=duplicate: model.seq_len = %" PRId64 " has no two halves of a 0 and a word; set it to an "
                             "even number from 4 on",
                             seq_len);
    return dataset_accepts_next_token(self, run, error);
}

const struct component data_duplicate = {
    .slot = SLOT_DATA,
    .name = "duplicate",
    .version = 1,
    .summary = "0w0w: a random word twice, of which the second can be known",
    .source = "arXiv 2001.04451 (Reformer), section 5",
    .options = options,
    .options_size = sizeof(struct duplicate),
    .accepts = accepts,
    .data = {.examples = examples, .example = example},
};
