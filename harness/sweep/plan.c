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

// The first arm that starts from another run, or NULL.
static const struct arm *arm_with_source(const struct experiment *experiment)
{
    for (int i = 0; i < experiment->arm_count; i++)
        if (run_source(&experiment->arms[i].run))
            return &experiment->arms[i];
    return NULL;
}

// As `ablate run` takes it: the experiment's file where one lies beside this one, else its name.
static const char *file_beside(struct plan *plan, const char *experiment)
{
    const char *own = plan->experiment->file, *slash = strrchr(own, '/');
    const char *file = arena_format(&plan->arena, "%.*s%s.yaml", slash ? (int)(slash - own) + 1 : 0, own, experiment);
    return access(file, R_OK) ? experiment : file;
}

static const char *place_of(struct plan *plan, const struct arm *arm)
{
    return arena_format(&plan->arena, "%s:%d: ", plan->experiment->file, arm->line);
}

// Nothing is stored yet, and so nothing that a run could start from.
static bool refuse_to_start(struct plan *plan, const struct arm *arm, const char *database, struct error *error)
{
    struct text init = {0}, source = {0};
    run_print(&arm->run, "init", &init);
    run_print(&arm->run, "init.experiment", &source);
    const char *where = database ? database : "no database";
    if (source.length)
        error_request(error, "%sinit: %s: %s holds no run to start from; run that experiment first: ablate run %s",
                      place_of(plan, arm), init.data, where, file_beside(plan, source.data));
    else
        error_request(error, "%sinit: %s: %s holds no such run", place_of(plan, arm), init.data, where);
    text_free(&init);
    text_free(&source);
    return false;
}

// Every source of every run, by one reading of the database.
static bool find_sources(struct plan *plan, const char *database, struct error *error)
{
    const struct experiment *experiment = plan->experiment;
    const struct arm *first = arm_with_source(experiment);
    struct store *store = NULL;
    if (!first)
        return true;
    if (!database || access(database, F_OK))
        return refuse_to_start(plan, first, database, error);
    bool done = store_open(&store, database, STORE_READ, error);
    for (int i = 0; i < experiment->arm_count && done; i++) {
        const struct run *run = &experiment->arms[i].run;
        for (int64_t j = 0; j < experiment->replicates && done && run_source(run); j++) {
            struct error trouble = {0};
            const struct choice *init = source_find(store, run, experiment->first_seed + j, &plan->arena, &trouble);
            plan->inits[i * experiment->replicates + j] = init;
            done = init || error_carry(error, place_of(plan, &experiment->arms[i]), &trouble);
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
