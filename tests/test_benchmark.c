// test_benchmark.c: what crosses the border to Google Benchmark and back.
#include "bench/benchmark.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

TestSuite(benchmark, .timeout = 60);

enum { RESULTS_MAX = 64 };
struct kept {
    int count;
    struct benchmark_result results[RESULTS_MAX];
    char names[RESULTS_MAX][96], refusals[RESULTS_MAX][96];
};

static void keep(void *context, const struct benchmark_result *result)
{
    struct kept *kept = context;
    cr_assert_lt(kept->count, RESULTS_MAX);
    int i = kept->count++;
    kept->results[i] = *result;
    strncat(kept->names[i], result->name, 95);
    strncat(kept->refusals[i], result->refusal ? result->refusal : "", 95);
}

static void run(const struct benchmark_entry *list, int count, const struct benchmark_options *options, struct kept *kept)
{
    struct error error = {0};
    cr_assert(benchmark_run(list, count, options, keep, kept, &error), "%s", error.text);
}

struct sleeper {
    int64_t seen[2];
    int64_t loops;
};

// Sleeps as many microseconds as its first argument says.
static void sleep_body(struct benchmark_state *state, void *context)
{
    struct sleeper *sleeper = context;
    sleeper->seen[0] = benchmark_argument(state, 0);
    sleeper->seen[1] = benchmark_argument(state, 1);
    const struct timespec pause = {.tv_nsec = 1000 * (long)sleeper->seen[0]};
    while (benchmark_running(state)) {
        nanosleep(&pause, NULL);
        sleeper->loops++;
    }
}

static void refusing_body(struct benchmark_state *state, void *context)
{
    (void)context;
    benchmark_refuse(state, "no such unit");
}

// Arguments reach the body and the name, each repetition is one result, and a second is a second.
Test(benchmark, arguments_and_seconds_arrive)
{
    struct sleeper sleeper = {0};
    struct kept kept = {0};
    const struct benchmark_entry list[] = {{"pause", sleep_body, &sleeper, 2, {{"micros", 2000}, {"width", 7}}}};
    const struct benchmark_options options = {.seconds = 0.02, .repetitions = 3};
    run(list, 1, &options, &kept);
    cr_assert_eq(kept.count, 3, "%d results of 3 repetitions: means are not results", kept.count);
    cr_expect(sleeper.seen[0] == 2000 && sleeper.seen[1] == 7, "arguments %lld, %lld", (long long)sleeper.seen[0],
              (long long)sleeper.seen[1]);
    for (int i = 0; i < 3; i++) {
        cr_expect_str_eq(kept.names[i], "pause/micros:2000/width:7");
        cr_expect(kept.results[i].seconds >= 0.002 && kept.results[i].seconds < 0.1, "a pause of 2 ms took %g s",
                  kept.results[i].seconds);
        cr_expect_lt(kept.results[i].cpu_seconds, kept.results[i].seconds, "sleeping is no work");
        cr_expect(kept.results[i].iterations * kept.results[i].seconds >= 0.02, "the repetition was too short");
    }
}

// One benchmark that cannot run is a line with its reason; the others run, and the process lives. (The library's own fit of a
// complexity over a family in which all have failed ends in a crash: that is why it is not asked for one.)
Test(benchmark, a_refusal_is_a_result)
{
    struct sleeper sleeper = {0};
    struct kept kept = {0};
    const struct benchmark_entry list[] = {{"refused", refusing_body, NULL, 0, {{0}}},
                                           {"pause", sleep_body, &sleeper, 2, {{"micros", 50}, {"width", 1}}},
                                           {"refused", refusing_body, NULL, 1, {{"rows", 5}}}};
    const struct benchmark_options options = {.seconds = 0.001, .repetitions = 2};
    run(list, 3, &options, &kept);
    int refused = 0, measured = 0;
    for (int i = 0; i < kept.count; i++) {
        cr_expect_eq(kept.results[i].index == 1, !*kept.refusals[i], "%s: \"%s\"", kept.names[i], kept.refusals[i]);
        if (kept.results[i].index == 1)
            measured++;
        else
            refused += !strcmp(kept.refusals[i], "no such unit");
    }
    cr_expect_eq(measured, 2);
    cr_expect_geq(refused, 2, "both refusals are told, %d were", refused);
}

// Settings of the library in the environment must not change what is measured; lists run one after the other start afresh.
Test(benchmark, the_environment_changes_nothing)
{
    struct sleeper sleeper = {0};
    const struct benchmark_entry list[] = {{"pause", sleep_body, &sleeper, 2, {{"micros", 20}, {"width", 1}}}};
    const struct benchmark_options options = {.seconds = 0.001, .repetitions = 1};
    setenv("BENCHMARK_FILTER", "nothing", 1);
    setenv("BENCHMARK_LIST_TESTS", "true", 1);
    for (int i = 0; i < 2; i++) {
        struct kept kept = {0};
        run(list, 1, &options, &kept);
        cr_expect_eq(kept.count, 1, "list %d: %d results", i, kept.count);
    }
}
