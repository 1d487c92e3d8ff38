// dataset.c: a run's data opened, whole examples or a stream; the memory of a stream, its three parts, and whether they serve.
//
// Data components call dataset_allocate and dataset_split; whoever plans or trains a run calls the rest.
#include "registry/component.h"

#include <inttypes.h>
#include <string.h>

#include "base/memory.h"
#include "registry/run.h"

static const char *const part_names[DATA_PARTS] = {"train", "validation", "test"};

bool dataset_allocate(struct dataset *dataset, int64_t count, bool surprise, struct error *error)
{
    size_t tokens, surprises;
    void *block;
    if (count < 0 || !size_multiply((size_t)count, sizeof *dataset->tokens, &tokens) ||
        !size_multiply((size_t)count, sizeof *dataset->surprise, &surprises))
        return error_request(error, "data: %" PRId64 " tokens are more than can be addressed", count);
    if (!memory_large(&block, tokens, "data", error))
        return false;
    dataset->tokens = block;
    dataset->allocated = tokens;
    if (!surprise)
        return true;
    if (!memory_large(&block, surprises, "data", error))
        return false;
    dataset->surprise = block;
    dataset->surprise_allocated = surprises;
    return true;
}

// What makes the examples is all there is to hash; their length and vocabulary are in the run's identity.
static void hash_examples(const struct choice *choice, char hash[HASH_TEXT_SIZE])
{
    struct text words = {0};
    text_add(&words, "version %d ", choice->component->version);
    choice_print(SLOT_DATA, choice, &words);
    hash_bytes(words.data, words.length, hash);
    text_free(&words);
}

bool dataset_open(struct dataset *dataset, const struct run *run, struct error *error)
{
    const struct choice *choice = run_choice(run, SLOT_DATA, 0);
    const struct data_calls *calls = &choice->component->data;
    *dataset = (struct dataset){0};
    if (calls->open)
        return calls->open(choice->options.bytes, dataset, error);
    dataset->run = run;
    for (int part = 0; part < DATA_PARTS; part++)
        dataset->examples[part] = calls->examples(choice->options.bytes, (enum data_part)part);
    hash_examples(choice, dataset->hash);
    return true;
}

bool dataset_identity(const struct run *run, char hash[HASH_TEXT_SIZE], struct error *error)
{
    const struct choice *choice = run_choice(run, SLOT_DATA, 0);
    if (choice->component->data.identity) {
        choice->component->data.identity(choice->options.bytes, hash);
        return true;
    }
    struct dataset dataset;
    bool done = dataset_open(&dataset, run, error);
    memcpy(hash, dataset.hash, HASH_TEXT_SIZE);
    dataset_close(&dataset);
    return done;
}

void dataset_example(const struct dataset *dataset, enum data_part part, int64_t index, int32_t *tokens, int32_t *targets)
{
    const struct choice *choice = run_choice(dataset->run, SLOT_DATA, 0);
    uint64_t key = random_key((uint64_t)index, choice->component->name, (uint64_t)part);
    choice->component->data.example(choice->options.bytes, &dataset->run->model, key, tokens, targets);
}

void dataset_close(struct dataset *dataset)
{
    memory_large_free(dataset->tokens, dataset->allocated);
    memory_large_free(dataset->surprise, dataset->surprise_allocated);
    *dataset = (struct dataset){0};
}

static void finish(struct dataset *dataset, int64_t train, int64_t validation, int64_t count)
{
    dataset->parts[DATA_TRAIN] = (struct span){0, train};
    dataset->parts[DATA_VALIDATION] = (struct span){train, validation};
    dataset->parts[DATA_TEST] = (struct span){validation, count};
    uint16_t highest = 0;
    for (int64_t i = 0; i < count; i++)
        highest = dataset->tokens[i] > highest ? dataset->tokens[i] : highest;
    dataset->vocab = (int64_t)highest + 1;
    if (!dataset->hash[0])
        hash_bytes(dataset->tokens, (size_t)count * sizeof *dataset->tokens, dataset->hash);
}

void dataset_split(struct dataset *dataset, int64_t count) { finish(dataset, count * 9 / 10, count * 19 / 20, count); }

void dataset_split_at(struct dataset *dataset, int64_t train, int64_t count)
{
    finish(dataset, train, train + (count - train) / 2, count);
}

// Where `position` of dataset->tokens lies in the file it came from: parts of one file follow each other.
static int64_t position_in_file(const struct dataset *dataset, int part, int64_t position)
{
    int first = part;
    while (first > 0 && dataset->files[first - 1] == dataset->files[part])
        first--;
    return position - dataset->parts[first].begin;
}

static bool refuse_token(const struct dataset *dataset, int part, int64_t position, int64_t vocab, struct error *error)
{
    const char *file = dataset->files[part];
    return error_request(error,
                         "%s: token %d at position %" PRId64 " is not below model.vocab = %" PRId64
                         "; set model.vocab to %" PRId64 " or more",
                         file ? file : "data", dataset->tokens[position], position_in_file(dataset, part, position), vocab,
                         dataset->vocab);
}

bool dataset_check(const struct dataset *dataset, int64_t vocab, int64_t seq_len, struct error *error)
{
    for (int part = 0; !dataset->run && part < DATA_PARTS; part++) {
        struct span span = dataset->parts[part];
        const char *file = dataset->files[part];
        int64_t length = span.end - span.begin;
        if (length < seq_len + 1)
            return error_request(error,
                                 "%s: its %s part has %" PRId64 " tokens, one window of model.seq_len = %" PRId64
                                 " needs %" PRId64 "; give more data or a shorter model.seq_len",
                                 file ? file : "data", part_names[part], length, seq_len, seq_len + 1);
        for (int64_t i = span.begin; dataset->vocab > vocab && i < span.end; i++)
            if (dataset->tokens[i] >= vocab)
                return refuse_token(dataset, part, i, vocab, error);
    }
    return true;
}

bool dataset_accepts_next_token(const void *options, const struct run *run, struct error *error)
{
    (void)options;
    if (!run->model.causal)
        return error_request(error, "model.causal=false would let the model see the next token, which is its target; keep "
                                    "model.causal=true with this data");
    return true;
}
