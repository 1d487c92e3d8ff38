// recall.c: multi-query associative recall: pairs of key and value, and later each key again, to be answered with its value.
//
// Zoology's generator (Arora et al. 2023, arXiv 2312.04927): D keys from [1, V/2) and values from [V/2, V), none twice; the
// pairs stand first, k1 v1 k2 v2 ..., and each key is asked for once at an even offset 2 (j - 1) behind them, where the slot j
// is drawn with p proportional to j^(power - 1), none twice. Targets stand at the queries alone, all else is filled with 0; an
// answer is never fed back. `query=start` turns it round: the queries stand at positions 0 .. D-1, the pairs in the slots
// behind them, for models that look ahead. V is model.vocab, the length model.seq_len. Two departures from Zoology: `gap` keeps
// the slots away from what stands first, and no example is made before it is wanted, so a training set may be of any size.
//
// Refuses: a vocabulary with fewer keys than pairs, a length with fewer slots, query=start where a query cannot see ahead.
#include "registry/component.h"

#include <inttypes.h>
#include <math.h>

enum { VOCAB_MAX = 65536 };

enum query { QUERY_END, QUERY_START };
static const char *const query_names[] = {"end", "start", NULL};

struct recall {
    int64_t pairs, gap, examples, held_out;
    double power;
    int query;
};

static const struct option options[] = {
    {"pairs", OPTION_INT, offsetof(struct recall, pairs), .fallback = "4", .min = 1, .max = VOCAB_MAX / 2, .unit = "pairs",
     .help = "keys with a value each in one example; every key is asked for once"},
    {"query", OPTION_CHOICE, offsetof(struct recall, query), .fallback = "end", .choices = query_names,
     .help = "whether queries follow the pairs, or stand at the first positions (model.causal: false)"},
    {"gap", OPTION_INT, offsetof(struct recall, gap), .fallback = "0", .min = 0, .max = 1 << 20, .unit = "positions",
     .help = "filler between what stands first and the first slot: wider than windows reach, and they cannot answer"},
    {"power", OPTION_REAL, offsetof(struct recall, power), .fallback = "0.01", .min = 1e-6, .max = 1,
     .help = "slot j is drawn with p proportional to j^(power - 1); 1: every distance alike"},
    {"examples", OPTION_INT, offsetof(struct recall, examples), .fallback = "100000", .min = 1, .max = OPTION_NO_LIMIT,
     .unit = "examples", .help = "size of the training set that steps draw from; 1000000000: hardly any is seen twice"},
    {"held_out", OPTION_INT, offsetof(struct recall, held_out), .fallback = "3000", .min = 1, .max = 1e9, .unit = "examples",
     .help = "in the validation part, and as many others in the test part"},
    {0},
};

// Positions before the first slot, and slots of two positions behind them.
static int64_t slots_begin(const struct recall *recall)
{
    return recall->pairs * (recall->query == QUERY_END ? 2 : 1) + recall->gap;
}
static int64_t slot_count(const struct recall *recall, int64_t seq_len) { return (seq_len - slots_begin(recall)) / 2; }

// What the numbers of an example are drawn for.
enum row { ROW_KEYS, ROW_VALUES, ROW_SLOTS };

struct draw {
    uint64_t key;
    uint64_t columns[ROW_SLOTS + 1]; // numbers drawn so far, by row
    uint64_t taken[VOCAB_MAX / 64];  // bits: tokens that the example has
};

// A token of [begin, end) that the example has not.
static int32_t draw_token(struct draw *draw, enum row row, int64_t begin, int64_t end)
{
    for (;;) {
        int64_t token = begin + (int64_t)random_below(draw->key, row, draw->columns[row]++, (uint64_t)(end - begin));
        uint64_t bit = (uint64_t)1 << (token % 64);
        if (draw->taken[token / 64] & bit)
            continue;
        draw->taken[token / 64] |= bit;
        return (int32_t)token;
    }
}

// j of 1 .. count with p proportional to j^(power - 1), by rejection-inversion: Hörmann and Derflinger 1996, doi
// 10.1145/235025.235029. H(x) = x^power / power is the integral of h(x) = x^(power - 1); since h is convex, the area
// H(j + 1/2) - H(j - 1/2) holds h(j), and what is below its last h(j) is drawn again. Below the least power that the option
// takes, differences of H would lose their digits, and one slot would be drawn for ever.
static int64_t draw_slot(struct draw *draw, double power, int64_t count)
{
    double first = pow(1.5, power) / power - 1, last = pow((double)count + 0.5, power) / power;
    for (;;) {
        double area = last + random_uniform(draw->key, ROW_SLOTS, draw->columns[ROW_SLOTS]++) * (first - last);
        double slot = fmin(fmax(round(pow(area * power, 1 / power)), 1), (double)count);
        if (area >= pow(slot + 0.5, power) / power - pow(slot, power - 1))
            return (int64_t)slot;
    }
}

static void example(const void *self, const struct model_scalars *model, uint64_t key, int32_t *tokens, int32_t *targets)
{
    const struct recall *recall = self;
    const int64_t begin = slots_begin(recall), slots = slot_count(recall, model->seq_len);
    struct draw draw = {.key = key};
    for (int64_t t = 0; t < model->seq_len; t++) {
        tokens[t] = 0;
        targets[t] = -1;
    }
    for (int64_t i = 0; i < recall->pairs; i++) {
        int32_t name = draw_token(&draw, ROW_KEYS, 1, model->vocab / 2);
        int32_t value = draw_token(&draw, ROW_VALUES, model->vocab / 2, model->vocab);
        int64_t slot;
        do
            slot = begin + 2 * (draw_slot(&draw, recall->power, slots) - 1);
        while (tokens[slot] != 0);
        int64_t pair = recall->query == QUERY_END ? 2 * i : slot, query = recall->query == QUERY_END ? slot : i;
        tokens[pair] = tokens[query] = name;
        tokens[pair + 1] = targets[query] = value;
    }
}

static int64_t examples(const void *self, enum data_part part)
{
    const struct recall *recall = self;
    return part == DATA_TRAIN ? recall->examples : recall->held_out;
}

static bool accepts(const void *self, const struct run *run, struct error *error)
{
    const struct recall *recall = self;
    const struct model_scalars *model = &run->model;
    int64_t keys = model->vocab / 2 - 1, least = slots_begin(recall) + 2 * recall->pairs;
    bool done = true;
    if (keys < recall->pairs)
        done = error_request(error,
                             "data=recall: model.vocab = %" PRId64 " has %" PRId64 " keys for %" PRId64
                             " pairs; set model.vocab to %" PRId64 " or more, or lower data.pairs",
                             model->vocab, keys, recall->pairs, 2 * recall->pairs + 2);
    if (model->seq_len < least)
        done = error_request(error,
                             "data=recall: an example of %" PRId64 " pairs takes %" PRId64
                             " positions, model.seq_len is %" PRId64 "; raise it, or lower data.pairs or data.gap",
                             recall->pairs, least, model->seq_len);
    if (recall->query == QUERY_START && model->causal)
        done = error_request(error, "data=recall(query=start): a query stands before its pair and must look ahead; set "
                                    "model.causal: false, or query=end");
    return done;
}

const struct component data_recall = {
    .slot = SLOT_DATA,
    .name = "recall",
    .version = 1,
    .summary = "keys with values, and each key again later, to be answered with its value",
    .source = "arXiv 2312.04927 (Zoology), multi-query associative recall",
    .options = options,
    .options_size = sizeof(struct recall),
    .accepts = accepts,
    .data = {.examples = examples, .example = example},
};
