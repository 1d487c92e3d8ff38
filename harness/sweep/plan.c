// plan.c: identities, their order, and duplicates among them.
#include "sweep/plan.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/random.h"
#include "sweep/source.h"
#include "tensor/gemm.h"

// Arms mostly learn the same data: each distinct setting is opened once.
static bool find_data_hashes(struct plan *plan, struct error *error)
{
    const struct experiment *experiment = plan->experiment;
    const char **settings = arena_allocate(&plan->arena, (size_t)experiment->arm_count, sizeof *settings);
    bool done = true;
    for (int i = 0; i < experiment->arm_count; i++) {
        const struct run *run = &experiment->arms[i].run;
        struct text setting = {0};
        setting_print(SLOT_DATA, &run->slots[SLOT_DATA], &setting);
        settings[i] = text_keep(&setting, &plan->arena);
        for (int j = 0; j < i && !plan->data_hashes[i]; j++)
            if (!strcmp(settings[i], settings[j]))
                plan->data_hashes[i] = plan->data_hashes[j];
        char hash[HASH_TEXT_SIZE] = "";
        if (plan->data_hashes[i])
            continue;
        done = dataset_identity(run, hash, error) && done;
        plan->data_hashes[i] = arena_copy_text(&plan->arena, hash);
    }
    return done;
}

static bool has_sources(const struct experiment *experiment)
{
    for (int i = 0; i < experiment->arm_count; i++)
        if (run_source(&experiment->arms[i].run))
            return true;
    return false;
}

// Every source of every run, by one reading of the database.
static bool find_sources(struct plan *plan, const char *database, struct error *error)
{
    const struct experiment *experiment = plan->experiment;
    struct store *store = NULL;
    if (!has_sources(experiment))
        return true;
    if (!database || access(database, F_OK))
        return error_request(error, "init: run: %s holds no run to start from; run its experiment first",
                             database ? database : "no database");
    bool done = store_open(&store, database, STORE_READ, error);
    for (int i = 0; i < experiment->arm_count && done; i++) {
        const struct run *run = &experiment->arms[i].run;
        for (int64_t j = 0; j < experiment->replicates && done && run_source(run); j++) {
            const struct choice *init = source_find(store, run, experiment->first_seed + j, &plan->arena, error);
            plan->inits[i * experiment->replicates + j] = init;
            done = init != NULL;
        }
    }
    store_close(store);
    return done;
}

// Fisher and Yates, by numbers that the seed alone decides.
static void shuffle(int *order, int count, int64_t seed)
{
    uint64_t key = random_key((uint64_t)seed, "order of arms", 0);
    for (int i = 0; i < count; i++)
        order[i] = i;
    for (int i = count - 1; i > 0; i--) {
        int j = (int)random_below(key, (uint64_t)i, 0, (uint64_t)i + 1), kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}

static bool is_planned(const struct plan *plan, const char *id, int64_t seed)
{
    // Runs of one seed lie together at the end.
    for (int i = plan->run_count - 1; i >= 0 && plan->runs[i].seed == seed; i--)
        if (!strcmp(plan->runs[i].id, id))
            return true;
    return false;
}

static void plan_seed(struct plan *plan, int64_t replicate, struct run *run, int *order)
{
    const struct experiment *experiment = plan->experiment;
    int64_t seed = experiment->first_seed + replicate;
    shuffle(order, experiment->arm_count, seed);
    for (int i = 0; i < experiment->arm_count; i++) {
        struct planned_run planned = {.arm = order[i], .seed = seed, .state = RUN_PLANNED};
        plan_run(plan, &planned, run);
        run_identity(run, plan->data_hashes[order[i]], gemm_way_name(run_gemm_way(run)), planned.id);
        plan->arm_runs[order[i] * experiment->replicates + replicate] = arena_copy_text(&plan->arena, planned.id);
        if (!is_planned(plan, planned.id, seed))
            plan->runs[plan->run_count++] = planned;
    }
}

bool plan_open(struct plan *plan, const struct experiment *experiment, const char *database, struct error *error)
{
    *plan = (struct plan){.experiment = experiment};
    size_t arms = (size_t)experiment->arm_count, count = arms * (size_t)experiment->replicates;
    plan->data_hashes = arena_allocate(&plan->arena, arms, sizeof *plan->data_hashes);
    plan->arm_runs = arena_allocate(&plan->arena, count, sizeof *plan->arm_runs);
    plan->inits = arena_allocate(&plan->arena, count, sizeof *plan->inits);
    plan->runs = arena_allocate(&plan->arena, count, sizeof *plan->runs);
    if (database)
        plan->weights = arena_format(&plan->arena, "%s/weights", store_place(database, &plan->arena));
    if (!find_data_hashes(plan, error) || !find_sources(plan, database, error)) {
        error->is_request = true;
        plan_close(plan);
        return false;
    }
    struct run *run = memory_allocate(1, sizeof *run);
    int *order = memory_allocate(arms, sizeof *order);
    for (int64_t replicate = 0; replicate < experiment->replicates; replicate++)
        plan_seed(plan, replicate, run, order);
    free(order);
    free(run);
    return true;
}

void plan_close(struct plan *plan)
{
    arena_close(&plan->arena);
    *plan = (struct plan){0};
}

void plan_run(const struct plan *plan, const struct planned_run *planned, struct run *run)
{
    const struct experiment *experiment = plan->experiment;
    const struct choice *init = plan->inits[planned->arm * experiment->replicates + planned->seed - experiment->first_seed];
    *run = experiment->arms[planned->arm].run;
    run->seed = planned->seed;
    if (init)
        run->slots[SLOT_INIT].choices[0] = *init;
}

const struct arm *plan_arm(const struct plan *plan, const struct planned_run *planned)
{
    return &plan->experiment->arms[planned->arm];
}

int plan_left(const struct plan *plan)
{
    int left = 0;
    for (int i = 0; i < plan->run_count; i++)
        left += plan->runs[i].state != RUN_FINISHED && plan->runs[i].state != RUN_DIVERGED;
    return left;
}
