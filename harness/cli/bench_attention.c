// bench_attention.c: `ablate bench attention`: forward and backward of attention patterns over lengths.
#include "bench/attention_bench.h"

#include <math.h>
#include <string.h>

#include "cli/bench.h"
#include "cli/table.h"
#include "report/figure.h"
#include "report/figure_length.h"
#include "report/number.h"

enum { HEADS = 8, LENGTHS_MAX = 32 };
static const int64_t length_limit = 1 << 24;

static const struct column columns[] = {
    {.name = "attention"},
    {.name = "seq_len", .number = true},
    {.name = "seconds", .number = true},
    {.name = "bytes", .number = true},
    {.name = "visited_pairs", .heading = "visited", .number = true},
    {.name = "visible_pairs", .heading = "visible", .number = true},
    {.name = "threads", .number = true},
    {.name = "spread", .number = true},
};
enum { ATTENTION, SEQ_LEN, SECONDS, BYTES, VISITED, VISIBLE, THREADS, SPREAD };

// "2048,16384"; the number of lengths, 0 after a mistake.
static int read_lengths(const char *list, int64_t lengths[LENGTHS_MAX], struct arena *arena, struct error *error)
{
    int count = 0;
    for (const char *word = list; *word;) {
        size_t length = strcspn(word, ",");
        int64_t value;
        if (count == LENGTHS_MAX) {
            error_request(error, "--seq %s: more than %d lengths", list, LENGTHS_MAX);
            return 0;
        }
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

struct sheet {
    struct table table;
    struct length_line *lines; // of --plot: one an attention
    int line_count;
    double spread;
    enum output_format format;
};

static void add_count(struct table *table, int column, double count, bool for_people, struct number (*brief)(double))
{
    if (for_people)
        table_cell(table, column, "%s", brief(count).text);
    else
        table_cell(table, column, "%.0f", count);
}

static bool measure(struct sheet *sheet, const struct attention_bench_options *options, struct length_line *line,
                    struct error *error)
{
    struct table *table = &sheet->table;
    struct attention_bench result;
    bool for_people = sheet->format == OUTPUT_TEXT;
    if (!attention_bench_run(options, &result, error))
        return false;
    table_row(table);
    table_cell(table, ATTENTION, "%s", options->attention);
    table_cell(table, SEQ_LEN, "%lld", (long long)options->seq_len);
    table_cell(table, SECONDS, "%.4g", result.seconds);
    add_count(table, BYTES, result.bytes, for_people, number_bytes);
    add_count(table, VISITED, (double)result.visited_pairs, for_people, number_count);
    add_count(table, VISIBLE, (double)result.visible_pairs, for_people, number_count);
    table_cell(table, THREADS, "%d", options->threads);
    table_cell(table, SPREAD, "%.3f", result.spread);
    sheet->spread = fmax(sheet->spread, result.spread);
    double length = (double)options->seq_len;
    line->points[line->count++] = (struct length_point){length, {result.seconds / length, result.bytes}};
    return true;
}

static bool measure_all(struct sheet *sheet, const struct bench_options *chosen, const int64_t *lengths, int count,
                        struct arena *arena, struct error *error)
{
    const char *list = *chosen->attention ? chosen->attention : "full";
    sheet->lines = arena_allocate(arena, strlen(list), sizeof *sheet->lines);
    for (const char *word = list; *word; word += strcspn(word, "\n"), word += *word == '\n') {
        struct length_line *line = &sheet->lines[sheet->line_count++];
        *line = (struct length_line){.label = arena_format(arena, "%.*s", (int)strcspn(word, "\n"), word),
                                     .points = arena_allocate(arena, (size_t)count, sizeof *line->points)};
        for (int i = 0; i < count; i++) {
            const struct attention_bench_options options = {
                .attention = line->label,
                .seq_len = lengths[i],
                .n_head = HEADS,
                .head_dim = chosen->head_dim,
                .threads = bench_threads(chosen),
                .seconds = bench_seconds(chosen, 1),
            };
            if (!measure(sheet, &options, line, error))
                return false;
        }
    }
    return true;
}

bool bench_attention(const struct request *request, struct error *error)
{
    const struct bench_options *chosen = request->options;
    int64_t lengths[LENGTHS_MAX];
    struct sheet sheet = {.format = request->format};
    int count = read_lengths(chosen->seq, lengths, request->arena, error);
    if (count == 0)
        return false;
    if (*chosen->plot && count < LENGTH_LEAST)
        return error_request(error, "--plot: a power takes %d lengths or more. For example: --seq 1024,2048,4096",
                             LENGTH_LEAST);
    if (*chosen->plot && !figure_terminal(chosen->plot, error))
        return false;
    table_open(&sheet.table, columns, sizeof columns / sizeof *columns);
    bool done = measure_all(&sheet, chosen, lengths, count, request->arena, error);
    if (done) {
        table_print(&sheet.table, request->format, stdout);
        if (request->format == OUTPUT_TEXT)
            printf("visited, visible: pairs that are multiplied, and that are seen, of all heads\n");
        bench_warn(sheet.spread);
    }
    const char *title = arena_format(request->arena, "Attention alone, forward and backward, %d thread%s",
                                     bench_threads(chosen), bench_threads(chosen) > 1 ? "s" : "");
    done = done && (!*chosen->plot || length_draw(chosen->plot, title, sheet.lines, sheet.line_count, error));
    table_close(&sheet.table);
    return done;
}
