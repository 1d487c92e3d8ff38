// test_run_order.c: the order in which an experiment's runs are carried out, and that each is planned once.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sweep/plan.h"

static struct experiment experiment;
static struct plan plan;

static void open_plan(const char *arms)
{
    char path[] = "/tmp/ablate-plan-XXXXXX.yaml";
    struct error error = {0};
    struct experiment_changes changes = {0};
    FILE *file = fdopen(mkstemps(path, strlen(".yaml")), "w");
    fprintf(file,
            "name: order\nmethod: grid\nmetric: {name: val_loss, goal: minimize}\nreplicates: 6\nbaseline: {train.lr: 0.001}\n"
            "parameters:\n  data: {value: prose(bytes=20000)}\n  train.lr: {values: [%s]}\n",
            arms);
    fclose(file);
    bool read = experiment_read(path, &changes, &experiment, &error);
    unlink(path);
    cr_assert(read, "%s", error.text);
    cr_assert(plan_open(&plan, &experiment, NULL, &error), "%s", error.text);
}

static void close_plan(void)
{
    plan_close(&plan);
    experiment_close(&experiment);
}

// An interrupted sweep must leave complete pairs: all arms of a seed before the next seed.
Test(run_order, goes_seed_by_seed_through_all_arms, .fini = close_plan)
{
    open_plan("0.001, 0.002, 0.003, 0.004, 0.005");
    cr_assert_eq(plan.run_count, 30);
    for (int seed = 0; seed < 6; seed++) {
        unsigned seen = 0;
        for (int i = 0; i < 5; i++) {
            cr_assert_eq(plan.runs[5 * seed + i].seed, experiment.first_seed + seed);
            seen |= 1u << plan.runs[5 * seed + i].arm;
        }
        cr_assert_eq(seen, 31, "arms of seed %d: %x", seed, seen);
    }
}

// A machine that slows down while it warms up must not always slow the same arm: every arm comes first or last now and then.
Test(run_order, shuffles_the_arms_of_every_seed_and_always_alike, .fini = close_plan)
{
    int first[30], differ = 0;
    open_plan("0.001, 0.002, 0.003, 0.004, 0.005");
    for (int i = 0; i < 30; i++)
        first[i] = plan.runs[i].arm;
    for (int seed = 1; seed < 6; seed++)
        differ += memcmp(first, first + 5 * seed, 5 * sizeof *first) != 0;
    cr_assert_gt(differ, 2, "the order of %d of 5 seeds differs from the first's", differ);
    close_plan();
    open_plan("0.001, 0.002, 0.003, 0.004, 0.005");
    for (int i = 0; i < 30; i++)
        cr_assert_eq(plan.runs[i].arm, first[i]);
}

// Another seed, another arm: another run. The same ones: the same run, whichever experiment asks.
Test(run_order, identities_differ_exactly_where_runs_do, .fini = close_plan)
{
    open_plan("0.001, 0.002");
    for (int i = 0; i < plan.run_count; i++)
        for (int j = 0; j < i; j++)
            cr_assert_str_neq(plan.runs[i].id, plan.runs[j].id);
    char kept[RUN_ID_SIZE];
    memcpy(kept, plan.arm_runs[1 * experiment.replicates + 3], RUN_ID_SIZE);
    close_plan();
    open_plan("0.001, 0.005, 0.002");
    cr_assert_str_eq(plan.arm_runs[2 * experiment.replicates + 3], kept);
}
