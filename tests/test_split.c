// test_split.c: how a sweep divides the machine, from tables of speeds worked by hand.
#include <criterion/criterion.h>
#include <math.h>

#include "sweep/split.h"

static const double equal[] = {100, 100, 100, 100, 100, 100, 100, 100, 100};

static void expect_split(struct split got, int jobs, int threads, const char *what)
{
    cr_expect(got.jobs == jobs && got.threads == threads, "%s: %d x %d, not %d x %d", what, got.jobs, got.threads, jobs,
              threads);
}

static struct split_choice choose(const struct split_speed *speeds, int count, const double *work, int left)
{
    struct split_choice choice;
    cr_assert(split_choose(speeds, count, work, left, &choice));
    return choice;
}

// A sweep whose length is not known takes no short one.
Test(split, what_is_not_known_stays_unknown)
{
    const struct split_speed speed = {{2, 1}, 1};
    cr_expect(isnan(split_seconds((const double[]){1, NAN, 1, 1}, 4, &speed)), "one of four is not known");
    cr_expect(isnan(split_seconds((const double[]){1, 1, NAN}, 3, &speed)), "the last is not known");
    cr_expect_eq(split_seconds((const double[]){3, 1, 1}, 3, &speed), 3);
}

// What the user says is kept to, and the rest follows from the cores.
Test(split, the_rule_divides_the_cores)
{
    expect_split(split_rule(8, 100, 0, 0), 8, 1, "many runs");
    expect_split(split_rule(8, 3, 0, 0), 3, 2, "few runs");
    expect_split(split_rule(8, 1, 0, 0), 1, 8, "one run");
    expect_split(split_rule(8, 0, 0, 0), 1, 8, "no run");
    expect_split(split_rule(8, 100, 2, 0), 2, 4, "--jobs 2");
    expect_split(split_rule(8, 100, 0, 4), 2, 4, "--threads 4");
    expect_split(split_rule(8, 100, 0, 32), 1, 32, "more threads than cores");
    expect_split(split_rule(8, 100, 32, 1), 32, 1, "more jobs than cores");
}

// A split that leaves cores idle, or starts more runs than there are, is not worth a trial; nor the same one twice.
Test(split, candidates_use_all_cores_once)
{
    struct split found[SPLITS_MAX];
    cr_expect_eq(split_candidates(2, 2, 10, found), 2);
    expect_split(found[0], 1, 2, "2 cores");
    expect_split(found[1], 2, 1, "2 cores");
    cr_expect_eq(split_candidates(16, 2, 10, found), 2);
    expect_split(found[0], 8, 2, "16 cores, 2 lanes");
    expect_split(found[1], 10, 1, "16 cores, 2 lanes, 10 runs");
    cr_expect_eq(split_candidates(16, 16, 3, found), 3);
    expect_split(found[2], 3, 5, "16 cores, 3 runs");
    cr_expect_eq(split_candidates(4, 1, 10, found), 1);
    expect_split(found[0], 4, 1, "one lane");
}

// Runs that memory does not hold side by side would end in the system's killer.
Test(split, memory_limits_the_runs_at_once)
{
    struct split split = {8, 1};
    split_fit(&split, 1000, 0);
    expect_split(split, 8, 1, "size unknown");
    split_fit(&split, 1000, 300);
    expect_split(split, 3, 1, "three fit");
    split_fit(&split, 1000, 5000);
    expect_split(split, 1, 1, "none fits");
}

// Two threads are 1.9 times as fast as one: 4 runs are 200 s of steps side by side, 211 s one by one. Where neighbours
// slow each other to 1.4 s a step it is the other way round.
Test(split, the_faster_way_for_all_runs_is_chosen)
{
    const struct split_speed apart[] = {{{1, 2}, 0.527}, {{2, 1}, 1.0}}, together[] = {{{1, 2}, 0.527}, {{2, 1}, 1.4}};
    struct split_choice choice = choose(apart, 2, equal, 4);
    expect_split(choice.split, 2, 1, "side by side");
    cr_expect_float_eq(choice.seconds, 200, 1e-9);
    cr_expect_float_eq(choice.other_seconds, 210.8, 1e-9);
    choice = choose(together, 2, equal, 4);
    expect_split(choice.split, 1, 2, "one by one");
    cr_expect_float_eq(choice.other_seconds, 280, 1e-9);
}

// Five runs on two cores: the fifth would leave a core idle for a whole run. Four side by side and one with both cores end
// after 200 + 60 s, against 300 s and 300 s.
Test(split, the_last_runs_get_the_idle_cores)
{
    const struct split_speed speeds[] = {{{1, 2}, 0.6}, {{2, 1}, 1.0}};
    struct split_choice choice = choose(speeds, 2, equal, 5);
    expect_split(choice.split, 2, 1, "the first four");
    expect_split(choice.tail, 1, 2, "the last");
    cr_expect_eq(choice.tail_runs, 1);
    cr_expect_float_eq(choice.seconds, 260, 1e-9, "%g s", choice.seconds);
}

// A long run in front is what the others are packed around: 300 beside 100 + 100, not a tail of its own.
Test(split, runs_of_different_length_are_packed_in_their_order)
{
    const double work[] = {300, 100, 100};
    const struct split_speed two = {{2, 1}, 1.0}, one = {{1, 2}, 0.9};
    cr_expect_float_eq(split_seconds(work, 3, &two), 300, 1e-9);
    cr_expect_float_eq(split_seconds(work, 3, &one), 450, 1e-9);
    struct split_choice choice = choose((const struct split_speed[]){one, two}, 2, work, 3);
    cr_expect_eq(choice.tail_runs, 0);
}

// Noise is no reason for threads that wait for each other; what could not be tried is no choice.
Test(split, unknown_and_equal_speeds)
{
    const struct split_speed near[] = {{{1, 2}, 0.49}, {{2, 1}, 1.0}}, unknown[] = {{{1, 2}, 0.9}, {{2, 1}, NAN}},
                             none[] = {{{2, 1}, NAN}};
    struct split_choice choice = choose(near, 2, equal, 4);
    expect_split(choice.split, 2, 1, "nearly equal");
    choice = choose(unknown, 2, equal, 4);
    expect_split(choice.split, 1, 2, "the one that is known");
    cr_expect(isinf(choice.other_seconds));
    cr_expect_not(split_choose(none, 1, equal, 4, &choice));
}

// A reader should know what was chosen, and that it was no guess.
Test(split, a_choice_says_why)
{
    const struct split_speed speeds[] = {{{1, 2}, 0.6}, {{2, 1}, 1.0}};
    struct split_choice choice = choose(speeds, 2, equal, 5), by_rule = {.split = {2, 1}, .seconds = NAN, .other_seconds = NAN};
    struct text line = {0}, plain = {0};
    split_choice_print(&choice, &line);
    cr_expect_str_eq(line.data,
                     "2 runs at a time with 1 thread each, the last one with 2: 1.2 times as fast as 1 run at a time "
                     "with 2 threads, measured");
    split_choice_print(&by_rule, &plain);
    cr_expect_str_eq(plain.data, "2 runs at a time with 1 thread each");
    text_free(&line);
    text_free(&plain);
}
