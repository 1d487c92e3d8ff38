// bench_attention.c: `ablate bench attention`: forward and backward of attention patterns over lengths.
#include "bench/attention_bench.h"

#include <math.h>
#include <string.h>

#include "cli/bench.h"
#include "cli/table.h"

enum { HEADS = 8, LENGTHS_MAX = 32 };
static const int64_t length_limit = 1 << 24;

static const struct column columns[] = {
    {.name = "attention"},
    {.name = "seq_len", .number = true},
    {.name = "seconds", .number = true},
    {.name = "bytes", .number = true},
    {.name = "visited_pairs", .number = true},
    {.name = "visible_pairs", .number = true},
    {.name = "threads", .number = true},
    {.name = "spread", .number = true},
};
enum { ATTENTION, SEQ_LEN, SECONDS, BYTES, VISITED, VISIBLE, THREADS, SPREAD };

// "2048,16384"; the number of lengths, 0 after a mistake.
static int read_lengths(const char *list, int64_t lengths[LENGTHS_MAX], struct arena *arena, struct error *error)
{
    int count = 0;
    for (const char *word = list; *word && count < LENGTHS_MAX;) {
        size_t length = strcspn(word, ",");
        int64_t value;
        const char *number = arena_format(arena, "%.*s", (int)length, word);
        if (!text_to_int(number, &value) || value < 1 || value > length_limit) {
            error_request(error, "--seq %s: \"%s\" is no length from 1 to %lld. For example: --seq 2048,16384", list, number,
                          (long long)length_limit);
            return 0;
        }
        lengths[count++] = value;
        word += length + (word[length] == ',');
    }
    if (count == 0)
        error_request(error, "--seq names no length. For example: --seq 2048,16384");
    return count;
}

static bool add_row(struct table *table, const struct attention_bench_options *options, double *spread, struct error *error)
{
    struct attention_bench result;
    if (!attention_bench_run(options, &result, error))
        return false;
    table_row(table);
    table_cell(table, ATTENTION, "%s", options->attention);
    table_cell(table, SEQ_LEN, "%lld", (long long)options->seq_len);
    table_cell(table, SECONDS, "%.4g", result.seconds);
    table_cell(table, BYTES, "%.0f", result.bytes);
    table_cell(table, VISITED, "%lld", (long long)result.visited_pairs);
    table_cell(table, VISIBLE, "%lld", (long long)result.visible_pairs);
    table_cell(table, THREADS, "%d", options->threads);
    table_cell(table, SPREAD, "%.3f", result.spread);
    *spread = fmax(*spread, result.spread);
    return true;
}

bool bench_attention(const struct request *request, struct error *error)
{
    const struct bench_options *chosen = request->options;
    int64_t lengths[LENGTHS_MAX];
    struct table table;
    double spread = 0;
    int count = read_lengths(chosen->seq, lengths, request->arena, error);
    bool done = count > 0;
    table_open(&table, columns, sizeof columns / sizeof *columns);
    const char *lines = *chosen->attention ? chosen->attention : "full";
    for (const char *line = lines; done && *line; line += strcspn(line, "\n"), line += *line == '\n')
        for (int i = 0; done && i < count; i++) {
            const struct attention_bench_options options = {
                .attention = arena_format(request->arena, "%.*s", (int)strcspn(line, "\n"), line),
                .seq_len = lengths[i],
                .n_head = HEADS,
                .head_dim = chosen->head_dim,
                .threads = bench_threads(chosen),
                .seconds = bench_seconds(chosen, 1),
            };
            done = add_row(&table, &options, &spread, error);
        }
    if (done)
        table_print(&table, request->format, stdout);
    table_close(&table);
    if (done)
        bench_warn(spread);
    return done;
}
