// test_suite.c: the benchmarks come from the registry and from the graphs, and what they run finds what a step would have left.
#include "bench/suite.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "bench/stage.h"
#include "fixture_program.h"

TestSuite(suite, .timeout = 300);

static struct arena arena;

static void run_suite(struct suite *suite, const char *filter, bool list)
{
    struct run base;
    struct error error = {0};
    const struct suite_options options = {.filter = filter, .seconds = 0.0005, .repetitions = 2, .list = list};
    run_defaults(&base, &arena);
    cr_assert(suite_run(suite, &base, &options, &error), "%s", error.text);
}

static bool has_subject(const struct suite *suite, const char *start)
{
    for (int i = 0; i < suite->row_count; i++)
        if (!strncmp(suite->rows[i].subject, start, strlen(start)) && !suite->rows[i].refusal)
            return true;
    return false;
}

// Nothing is listed by hand: a component that builds or changes a graph has its benchmark forward and backward, an optimizer
// its update.
Test(suite, every_component_has_benchmarks)
{
    struct suite suite;
    run_suite(&suite, "", true);
    for (const struct component *const *list = registry_list(); *list; list++) {
        enum slot slot = (*list)->slot;
        if (slot == SLOT_INIT || slot == SLOT_SCHEDULE || slot == SLOT_DATA || slot == SLOT_PRECISION)
            continue; // build no graph of their own
        static const char *const kinds[] = {"forward", "backward"};
        for (int i = 0; i < 2; i++) {
            const char *kind = slot == SLOT_OPTIMIZER ? "update" : kinds[i];
            const char *subject = arena_format(&arena, "%s/%s/%s", slot_facts[slot].name, (*list)->name, kind);
            cr_expect(has_subject(&suite, subject), "no benchmark of %s", subject);
        }
    }
    static const char *const ops[] = {"linear", "attention", "layernorm", "rmsnorm", "embedding", "cross_entropy",
                                      "rope",   "softcap",   "dropout",   "add",     "multiply"};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        cr_expect(has_subject(&suite, arena_format(&arena, "op/%s/forward", ops[i])), "no benchmark of op %s", ops[i]);
    suite_close(&suite);
}

// A number of heads is no size of a feed-forward layer: what does not change is not measured twice.
Test(suite, a_size_that_changes_nothing_is_left_out)
{
    struct suite suite;
    run_suite(&suite, "^(ffn/gelu|attention/full)/forward/seq:256/width:256/", true);
    int gelu = 0, full = 0;
    for (int i = 0; i < suite.row_count; i++) {
        gelu += !strncmp(suite.rows[i].name, "ffn", 3);
        full += !strncmp(suite.rows[i].name, "attention", 9);
    }
    cr_expect(gelu == 1 && full == 3, "gelu %d times and attention %d times for 3 numbers of heads", gelu, full);
    suite_close(&suite);
}

Test(suite, the_filter_chooses_what_is_measured)
{
    struct suite suite;
    run_suite(&suite, "^op/(add|multiply)/forward/rows:64/", false);
    cr_assert_geq(suite.row_count, 2);
    for (int i = 0; i < suite.row_count; i++) {
        const struct suite_row *row = &suite.rows[i];
        cr_expect(!strncmp(row->name, "op/add/forward/rows:64/", 23) || !strncmp(row->name, "op/multiply/forward/rows:64/", 28),
                  "%s", row->name);
        cr_expect(row->count == 2 && row->seconds[0] > 0 && row->seconds[1] > 0, "%s: %d repetitions", row->name, row->count);
        // Two operands of 4 bytes are read and one is written: 12 bytes and one operation an element.
        cr_expect_float_eq(row->bytes / row->flops, 12, 1e-9, "%s: %g bytes, %g operations", row->name, row->bytes, row->flops);
    }
    suite_close(&suite);
}

Test(suite, refuses_what_is_no_expression_and_what_matches_nothing)
{
    struct run base;
    struct suite suite;
    static const char *const filters[] = {"op/(", "no such benchmark"};
    run_defaults(&base, &arena);
    for (int i = 0; i < 2; i++) {
        struct error error = {0};
        const struct suite_options options = {.filter = filters[i], .seconds = 0.001, .repetitions = 1, .list = true};
        cr_expect_not(suite_run(&suite, &base, &options, &error));
        cr_expect(error.is_request && strstr(error.text, filters[i]), "%s", error.text);
        suite_close(&suite);
    }
}

// However noisy the machine: where times do not tell, operations at longer sequences do.
Test(suite, laws_are_as_declared)
{
    struct suite suite;
    run_suite(&suite, "^attention/(full|sliding)/forward/seq", false);
    cr_expect_eq(suite.law_count, 2);
    for (int i = 0; i < suite.law_count; i++)
        cr_expect_eq(suite.laws[i].found, suite.laws[i].declared, "%s: found %s, declared %s", suite.laws[i].subject,
                     complexity_names[suite.laws[i].found], complexity_names[suite.laws[i].declared]);
    suite_close(&suite);
}

// Any part may run at any time: its inputs are still what they were, so the same values come out, bit for bit. In a plan's own
// layout they would have made room for others.
Test(suite, a_stage_keeps_what_its_parts_read)
{
    struct run run;
    struct stage stage;
    struct error error = {0};
    run_defaults(&run, &arena);
    cr_assert(run_set_pair(&run, "ffn=swiglu", &arena, &error) && run_set_pair(&run, "dropout=on", &arena, &error) &&
                  run_set_pair(&run, "model.seq_len=37", &arena, &error),
              "%s", error.text);
    run.train.batch = run.train.lanes = 1;
    cr_assert(run_resolve(&run, &error) && stage_open(&stage, &run, &error) && stage_prepare(&stage, &error), "%s", error.text);
    for (int i = 0; i < stage.graph.node_count; i++) {
        const struct tensor *output = stage.graph.nodes[i]->outputs[0];
        size_t bytes = (size_t)(stage.rows * output->width) * sizeof(float);
        const struct part part = {1, &stage.graph.nodes[i]};
        void *before = malloc(bytes);
        memcpy(before, lane_tensor(&stage.lane, output), bytes);
        stage_run(&stage, &part, PASS_FORWARD);
        cr_expect(!memcmp(before, lane_tensor(&stage.lane, output), bytes), "%s of node %d gives other values",
                  stage.graph.nodes[i]->op->name, i);
        free(before);
    }
    stage_close(&stage);
}

// ---- Through the program ----------------------------------------------------------------------------------------------------

Test(suite, prints_and_stores_what_it_measured)
{
    program_folder_open(2, 1);
    cr_assert_eq(program_run((const char *const[]){"bench", "^op/add/forward/rows:64/", "--json", "--seconds=0.001",
                                                   "--repetitions=4", "--db", "b.db", NULL}),
                 0);
    char *output = program_output();
    static const char *const keys[] = {"name",  "seconds", "flops_per_s", "bytes_per_s", "fraction_of_fma", "fraction_of_triad",
                                       "spread"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        cr_expect(strstr(output, arena_format(&arena, "\"%s\":", keys[i])), "no %s in %s", keys[i], output);
    free(output);
    cr_expect_geq(program_count("b.db", "SELECT count(*) FROM benchmarks WHERE seconds > 0 AND fraction_of_triad > 0"), 4);
    cr_expect_eq(program_count("b.db", "SELECT count(*) FROM benchmark_provenance WHERE name IN ('commit', 'flags', 'cpu')"),
                 3);
    // A set is the same as itself, whatever the noise.
    cr_assert_eq(program_run((const char *const[]){"bench", "compare", "1", "last", "--csv", "--db", "b.db", NULL}), 0);
    output = program_output();
    cr_expect(strstr(output, ",1.000,") && !strstr(output, "faster") && !strstr(output, "slower"), "%s", output);
    free(output);
    cr_expect_eq(program_run((const char *const[]){"bench", "compare", "1", "17", "--db", "b.db", NULL}), 2);
    cr_expect_eq(program_run((const char *const[]){"bench", "compare", "1", "1", "[", "--db", "b.db", NULL}), 2);
    cr_expect_eq(program_run((const char *const[]){"bench", "compare", "1", "1", "nope", "--db", "b.db", NULL}), 2);
    program_folder_close();
}

// What has nothing to be compared with is counted, or a benchmark that a build lost would go unseen.
Test(suite, compare_counts_what_only_one_has)
{
    program_folder_open(2, 1);
    static const char *const filters[] = {"^op/add/(for|back)ward/rows:64/", "^op/(add|multiply)/forward/rows:64/"};
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
        cr_assert_eq(program_run((const char *const[]){"bench", filters[i], "--seconds=0.001", "--repetitions=2", "--db",
                                                       "b.db", NULL}),
                     0);
    const char *one_sided = "SELECT count(DISTINCT name) FROM benchmarks WHERE name %s";
    int backward = program_count("b.db", arena_format(&arena, one_sided, "LIKE 'op/add/backward/%'"));
    int multiply = program_count("b.db", arena_format(&arena, one_sided, "LIKE 'op/multiply/%'"));
    cr_assert(backward > 0 && multiply > 0, "%d backward, %d multiply", backward, multiply);
    cr_assert_eq(program_run((const char *const[]){"bench", "compare", "1", "2", "--db", "b.db", NULL}), 0);
    char *output = program_output();
    const char *said = arena_format(&arena, "Left out: %d that only A has, %d that only B has.", backward, multiply);
    cr_expect(strstr(output, said), "%s in %s", said, output);
    free(output);
    program_folder_close();
}

// Two builds in turn; here both are the program itself, so each benchmark is there in every round of both.
Test(suite, compares_two_builds)
{
    program_folder_open(2, 1);
    cr_assert_eq(program_run((const char *const[]){"bench", "compare", "/proc/self/exe", "/proc/self/exe",
                                                   "^op/add/forward/rows:64/", "--json", "--seconds=0.001", NULL}),
                 0);
    char *output = program_output();
    cr_expect(strstr(output, "\"name\": \"op/add/forward/rows:64/in:256/out:256\"") && strstr(output, "\"verdict\":"), "%s",
              output);
    free(output);
    cr_expect_eq(program_run((const char *const[]){"bench", "compare", "./no-build", "/proc/self/exe", NULL}), 2);
    program_folder_close();
}

// A mistaken filter is refused before anything is measured: the machine alone would take seconds.
Test(suite, a_mistaken_filter_is_refused_at_once)
{
    double begin = clock_seconds();
    program_folder_open(2, 1);
    cr_expect_eq(program_run((const char *const[]){"bench", "[", NULL}), 2);
    cr_expect_lt(clock_seconds() - begin, 2.5, "it took %.1f seconds", clock_seconds() - begin);
    program_folder_close();
}

// A setting that would not be heeded is refused, and told where it would be: nobody takes what another kind measured for
// theirs.
Test(suite, a_kind_refuses_options_of_another)
{
    static const char *const requests[][4] = {
        {"attention", "--set", "precision=bf16", "attention takes no --set, which goes with: FILTER, train, overhead."},
        {"train", "--attention", "full", "train takes no --attention, which goes with: attention."},
        {"models", "--head-dim", "64", "models takes no --head-dim, which goes with: attention."},
        {"op/add", "--threads", "2", "FILTER takes no --threads, which goes with: train, models, attention."},
    };
    program_folder_open(2, 1);
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        const char *const *request = requests[i];
        cr_expect_eq(program_run((const char *const[]){"bench", request[0], request[1], request[2], NULL}), 2);
        char *output = program_output();
        cr_expect(strstr(output, request[3]), "%s instead of %s", output, request[3]);
        free(output);
    }
    program_folder_close();
}

// One component in a shared object is measured like those built in, and so is the op that it brings along.
Test(suite, measures_a_plugin)
{
    program_folder_open(2, 1);
    const char *plugin = arena_format(&arena, "%s/softplus.so", program_plugins());
    cr_assert_eq(program_run((const char *const[]){"bench", "softplus", "--list", "--plugin", plugin, NULL}), 0);
    char *output = program_output();
    cr_expect(strstr(output, "ffn/softplus/backward/seq:256") && strstr(output, "op/softplus/forward/"), "%s", output);
    free(output);
    program_folder_close();
}

// The 33rd length has no place: a list is measured whole or refused.
Test(suite, attention_refuses_more_lengths_than_it_measures)
{
    struct text list = {0};
    program_folder_open(2, 1);
    for (int i = 0; i < 33; i++)
        text_add(&list, "%s64", i ? "," : "");
    cr_expect_eq(program_run((const char *const[]){"bench", "attention", "--seconds=0.001", "--seq", list.data, NULL}), 2);
    char *output = program_output();
    cr_expect(strstr(output, "more than 32 lengths"), "%s", output);
    free(output);
    text_free(&list);
    program_folder_close();
}

// Visible pairs of a window of w keys: T w - w (w - 1) / 2 a head; one object for each pattern and length.
Test(suite, attention_counts_its_pairs)
{
    program_folder_open(2, 1);
    cr_assert_eq(program_run((const char *const[]){"bench", "attention", "--json", "--attention", "sliding(window=32)",
                                                   "--attention", "full", "--seq", "128,256", "--seconds=0.01", NULL}),
                 0);
    char *output = program_output();
    int64_t windowed = 8 * (256 * 32 - 32 * 31 / 2), all = 8 * 256 * 257 / 2;
    cr_expect(strstr(output, arena_format(&arena, "\"visible_pairs\": %lld", (long long)windowed)), "%lld in %s",
              (long long)windowed, output);
    cr_expect(strstr(output, arena_format(&arena, "\"visible_pairs\": %lld", (long long)all)), "%lld in %s", (long long)all,
              output);
    int lines = 0;
    for (const char *c = output; *c; c++)
        lines += *c == '{';
    cr_expect_eq(lines, 4, "%d objects for 2 patterns and 2 lengths", lines);
    free(output);
    program_folder_close();
}
