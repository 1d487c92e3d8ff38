// split.c: see split.h.
#include "sweep/split.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

// What trials of a second tell apart. Where they do not, more runs at once are better: they wait for nobody.
static const double CLEARLY = 1.05;

static int smaller(int a, int b) { return a < b ? a : b; }

struct split split_rule(int cores, int left, int jobs, int threads)
{
    if (jobs == 0)
        jobs = threads > 0 ? cores / smaller(threads, cores) : cores;
    if (jobs > left)
        jobs = left > 0 ? left : 1;
    if (threads == 0)
        threads = jobs < cores ? cores / jobs : 1;
    return (struct split){jobs, threads};
}

int split_candidates(int cores, int lanes, int left, struct split *candidates)
{
    int count = 0, most = smaller(cores, lanes);
    for (int threads = most; threads > 0 && count < SPLITS_MAX; threads /= 2) {
        int jobs = smaller(cores / threads, left);
        if (count == 0 || candidates[count - 1].jobs != jobs)
            candidates[count++] = (struct split){jobs, smaller(most, cores / jobs)};
    }
    return count;
}

void split_fit(struct split *split, int64_t memory_bytes, int64_t run_bytes)
{
    int64_t fitting = run_bytes > 0 ? memory_bytes / run_bytes : split->jobs;
    if (fitting < split->jobs)
        split->jobs = fitting > 1 ? (int)fitting : 1;
}

double split_seconds(const double *work, int count, const struct split_speed *speed)
{
    int jobs = speed->split.jobs;
    double *free_at = memory_allocate((size_t)jobs, sizeof *free_at), end = 0;
    for (int i = 0; i < count; i++) {
        int first = 0;
        for (int j = 1; j < jobs; j++)
            first = free_at[j] < free_at[first] ? j : first;
        free_at[first] += work[i] * speed->step_seconds;
        end = isnan(end) || free_at[first] <= end ? end : free_at[first];
    }
    free(free_at);
    return end;
}

// The best way to run all of it with this split for most of it, and another for the rest of its rounds.
static struct split_choice with_tail(const struct split_speed *speeds, int speed_count, const struct split_speed *speed,
                                     const double *work, int left)
{
    struct split_choice best = {.split = speed->split, .seconds = split_seconds(work, left, speed)};
    int rest = left % speed->split.jobs;
    for (int i = 0; rest > 0 && rest < left && i < speed_count; i++) {
        if (isnan(speeds[i].step_seconds) || speeds[i].split.jobs >= speed->split.jobs)
            continue;
        double seconds = split_seconds(work, left - rest, speed) + split_seconds(work + left - rest, rest, &speeds[i]);
        if (seconds < best.seconds)
            best = (struct split_choice){.split = speed->split, .tail = speeds[i].split, .tail_runs = rest, .seconds = seconds};
    }
    return best;
}

bool split_choose(const struct split_speed *speeds, int speed_count, const double *work, int left, struct split_choice *choice)
{
    *choice = (struct split_choice){.seconds = INFINITY, .other_seconds = INFINITY};
    for (int i = speed_count - 1; i >= 0; i--) {
        if (isnan(speeds[i].step_seconds))
            continue;
        struct split_choice way = with_tail(speeds, speed_count, &speeds[i], work, left);
        if (way.seconds * CLEARLY < choice->seconds) {
            way.other = choice->split;
            way.other_seconds = choice->seconds;
            *choice = way;
        } else if (way.seconds < choice->other_seconds) {
            choice->other = way.split;
            choice->other_seconds = way.seconds;
        }
    }
    return isfinite(choice->seconds);
}

void split_print(const struct split *split, struct text *text)
{
    text_add(text, "%d run%s at a time with %d thread%s%s", split->jobs, split->jobs > 1 ? "s" : "", split->threads,
             split->threads > 1 ? "s" : "", split->jobs > 1 ? " each" : "");
}

void split_choice_print(const struct split_choice *choice, struct text *text)
{
    split_print(&choice->split, text);
    if (choice->tail_runs > 1)
        text_add(text, ", the last %d with %d", choice->tail_runs, choice->tail.threads);
    else if (choice->tail_runs)
        text_add(text, ", the last one with %d", choice->tail.threads);
    if (!isfinite(choice->other_seconds))
        return;
    double ratio = choice->other_seconds / choice->seconds;
    text_add(text, ": ");
    if (ratio >= CLEARLY)
        text_add(text, "%.1f times ", ratio);
    text_add(text, "as fast as ");
    split_print(&choice->other, text);
    text_add(text, ", measured");
}
