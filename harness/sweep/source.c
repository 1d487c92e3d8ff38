// source.c: see source.h.
#include "sweep/source.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/view.h"
#include "train/kept.h"

static const char *id_of_arm(struct store *store, const char *experiment, const char *arm, int64_t seed, struct arena *arena,
                             struct error *error)
{
    struct experiment_view view;
    struct nearest nearest;
    struct error trouble = {0};
    if (!view_open(store, experiment, arena, &view, &trouble)) {
        error_carry(error, arena_format(arena, "init: run(experiment=%s): ", experiment), &trouble);
        return NULL;
    }
    nearest_open(&nearest, arm);
    for (int i = 0; i < view.arm_count; i++) {
        nearest_offer(&nearest, view.arms[i].name);
        for (int j = 0; j < view.seed_count && !strcmp(view.arms[i].name, arm); j++)
            if (view.seeds[j] == seed && view.arms[i].runs[j].id[0])
                return arena_copy_text(arena, view.arms[i].runs[j].id);
        if (!strcmp(view.arms[i].name, arm))
            error_request(error,
                          "init: run(experiment=%s): its arm %s has no run of seed %lld; run it first: ablate run %s "
                          "--replicates %lld --set train.keep_weights=true",
                          experiment, arm, (long long)seed, experiment, (long long)(seed - view.seeds[0] + 1));
        else if (i == view.arm_count - 1 && !error->count)
            error_request(error, "init: run(experiment=%s): no arm \"%s\"%s See: ablate compare %s", experiment, arm,
                          nearest_suggestion(&nearest).text, experiment);
    }
    return NULL;
}

const struct choice *source_find(struct store *store, const struct run *run, int64_t seed, struct arena *arena,
                                 struct error *error)
{
    struct choice *init = arena_allocate(arena, 1, sizeof *init);
    struct text experiment = {0}, arm = {0};
    const char *id = run_source(run);
    run_print(run, "init.experiment", &experiment);
    run_print(run, "init.arm", &arm);
    if (!*id)
        id = id_of_arm(store, experiment.data, arm.data, seed, arena, error);
    bool done = id && choice_parse(SLOT_INIT, arena_format(arena, "run(%s)", id), init, arena, error);
    text_free(&experiment);
    text_free(&arm);
    return done ? init : NULL;
}

// "demo, norms" -> the newest experiment that planned the run; NULL where none did.
static const char *experiment_of(struct store *store, const char *id, struct arena *arena)
{
    const struct run_row *rows;
    struct error unreadable = {0};
    int count;
    if (!view_runs(store, NULL, arena, &count, &rows, &unreadable))
        return NULL;
    for (int i = 0; i < count; i++)
        if (!strcmp(rows[i].run.id, id))
            return arena_format(arena, "%.*s", (int)strcspn(rows[i].experiments, ","), rows[i].experiments);
    return NULL;
}

bool source_is_kept(struct store *store, const char *id, const char *weights, struct error *error)
{
    struct arena arena = {0};
    struct store_run run;
    char *path = kept_path(weights, id);
    bool done = store_run_state(store, id, &run, error);
    if (done && !run.known)
        done = error_request(error, "init: run(%s): the database holds no such run. See: ablate runs", id);
    else if (done && run.state == RUN_DIVERGED)
        done = error_request(error, "init: run(%s): it diverged; name a run that finished. See: ablate runs", id);
    else if (done && (run.state != RUN_FINISHED || access(path, R_OK))) {
        const char *experiment = experiment_of(store, id, &arena);
        done = error_request(error, "init: run(%s): it %s; run it and keep them: ablate run %s --set train.keep_weights=true",
                             id, run.state == RUN_FINISHED ? "finished, but kept no weights" : "has not finished",
                             experiment ? experiment : "EXPERIMENT");
    }
    free(path);
    arena_close(&arena);
    return done;
}
