// plan_store.c: a plan and what the store knows of it.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/provenance.h"
#include "sweep/plan.h"
#include "sweep/source.h"
#include "train/kept.h"

// A placebo differs in train.nudge alone.
static bool is_placebo(const struct arm *arm)
{
    return !strncmp(arm->differs, "train.nudge=", strlen("train.nudge=")) && !strchr(arm->differs, ',');
}

bool plan_save(const struct plan *plan, struct store *store, struct error *error)
{
    const struct experiment *experiment = plan->experiment;
    struct arena arena = {0};
    struct store_arm *arms = arena_allocate(&arena, (size_t)experiment->arm_count, sizeof *arms);
    int64_t *seeds = arena_allocate(&arena, (size_t)experiment->replicates, sizeof *seeds);
    for (int64_t i = 0; i < experiment->replicates; i++)
        seeds[i] = experiment->first_seed + i;
    for (int i = 0; i < experiment->arm_count; i++) {
        const struct arm *arm = &experiment->arms[i];
        arms[i] = (struct store_arm){
            .name = arm->name,
            .differs = arm->differs,
            .is_placebo = is_placebo(arm),
            .match_left = arm->match_left,
            .run = &arm->run,
            .ids = plan->arm_runs + i * experiment->replicates,
            .inits = plan->inits + i * experiment->replicates,
        };
    }
    struct store_experiment stored = {
        .name = experiment->name,
        .file = experiment->file,
        .hash = experiment->hash,
        .text = experiment->text,
        .description = experiment->description,
        .lecture = experiment->lecture,
        .match = experiment->match,
        .metric = experiment->metric,
        .maximize = experiment->maximize,
        .margin = experiment->margin,
        .extension_declared = experiment->extension_declared,
        .arm_count = experiment->arm_count,
        .seed_count = (int)experiment->replicates,
        .seeds = seeds,
        .arms = arms,
    };
    bool done = store_experiment_save(store, &stored, error);
    arena_close(&arena);
    return done;
}

// A finished run that should keep its weights, and whose weights are not there.
static bool lacks_weights(const struct plan *plan, const struct planned_run *planned)
{
    if (!plan_arm(plan, planned)->run.train.keep_weights || planned->state != RUN_FINISHED || !plan->weights)
        return false;
    char *path = kept_path(plan->weights, planned->id);
    bool lacks = access(path, R_OK) != 0;
    free(path);
    return lacks;
}

// Of a run that is still to be done.
static bool has_source(const struct plan *plan, const struct planned_run *planned, struct store *store, struct error *error)
{
    struct run *run = memory_allocate(1, sizeof *run);
    plan_run(plan, planned, run);
    const char *source = run_source(run);
    free(run);
    return !source || source_is_kept(store, source, plan->weights, error);
}

static bool look_up(struct plan *plan, struct planned_run *planned, struct store *store, struct plan_reuse *reuse,
                    struct error *error)
{
    struct store_run known;
    if (!store_run_state(store, planned->id, &known, error))
        return false;
    planned->state = RUN_PLANNED;
    reuse->failed += known.known && known.state == RUN_FAILED;
    if (known.known && (known.state == RUN_FINISHED || known.state == RUN_DIVERGED))
        planned->state = known.state;
    if (lacks_weights(plan, planned))
        planned->state = RUN_PLANNED;
    if (planned->state == RUN_PLANNED)
        return has_source(plan, planned, store, error);
    reuse->runs++;
    if (strcmp(known.commit, provenance_commit()) != 0) {
        reuse->of_other_commits++;
        memcpy(reuse->commit, known.commit, sizeof reuse->commit);
    }
    return true;
}

bool plan_look_up(struct plan *plan, struct store *store, struct plan_reuse *reuse, struct error *error)
{
    *reuse = (struct plan_reuse){0};
    for (int i = 0; i < plan->run_count; i++)
        if (!look_up(plan, &plan->runs[i], store, reuse, error))
            return false;
    return true;
}
