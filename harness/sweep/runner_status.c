// runner_status.c: how long the rest of a sweep will take, from what its runs took here so far.
#include <math.h>

#include "sweep/runner.h"

// Seconds of a whole run at a place, by the share of its steps done in this attempt; NaN before the first step.
static double projected_seconds(const struct runner_place *place)
{
    int64_t done = place->step - place->resumed_from_step;
    return done > 0 ? place->seconds * (double)place->steps / (double)done : NAN;
}

struct mean {
    double sum;
    int count;
};

static void mean_add(struct mean *mean, double value)
{
    if (isfinite(value) && value > 0) {
        mean->sum += value;
        mean->count++;
    }
}

// A run of an arm takes what the arm's runs took; an arm not seen yet, what all took. arm -1: of all arms.
static struct mean run_seconds(const struct runner_status *status, int arm)
{
    struct mean mean = {0};
    for (int i = 0; i < status->plan->run_count; i++)
        if (arm < 0 || status->plan->runs[i].arm == arm)
            mean_add(&mean, status->plan->runs[i].seconds);
    for (int i = 0; i < status->jobs; i++)
        if (status->places[i].run && (arm < 0 || status->places[i].run->arm == arm))
            mean_add(&mean, projected_seconds(&status->places[i]));
    return mean;
}

double runner_seconds_left(const struct runner_status *status)
{
    struct mean all = run_seconds(status, -1);
    double left = 0, longest = 0;
    if (!all.count)
        return NAN;
    for (int i = 0; i < status->jobs; i++) {
        const struct runner_place *place = &status->places[i];
        double whole = projected_seconds(place);
        if (!place->run)
            continue;
        if (!isfinite(whole))
            whole = all.sum / all.count;
        double rest = whole * (double)(place->steps - place->step) / (double)(place->steps ? place->steps : 1);
        left += rest;
        longest = fmax(longest, rest);
    }
    for (int i = 0; i < status->plan->run_count; i++) {
        const struct planned_run *run = &status->plan->runs[i];
        struct mean of_arm = run_seconds(status, run->arm);
        if (run->state == RUN_PLANNED)
            left += of_arm.count ? of_arm.sum / of_arm.count : all.sum / all.count;
    }
    return fmax(left / status->jobs, longest);
}
