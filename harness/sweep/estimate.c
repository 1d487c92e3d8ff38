// estimate.c: probes the arms of a plan, and adds up.
#include "sweep/estimate.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "sweep/rehearsal.h"
#include "train/batch.h"

static const double PROBE_SECONDS = 1.5;   // of training; more where a step takes longer
static const double PATIENCE_SECONDS = 60; // for the second step of a rehearsal

// What probing an arm found.
struct finding {
    bool known, is_timed;
    int like; // the arm of the same shape that was timed
    double start_seconds, step_seconds;
    double whole_seconds; // of all steps and evaluations, where the rehearsal got to the run's end; 0: it did not
    double work;          // of the same, in steps
};

struct place {
    struct rehearsal rehearsal;
    int arm;
};

struct probing {
    const struct plan *plan;
    struct estimate *estimate;
    struct finding *findings; // [arm]
    struct place *places;     // [jobs]
    int jobs, threads, next;
    const char *const *plugins;
    struct error *error;
};

static bool fill(struct probing *probing, struct place *place)
{
    const struct planned_run *planned = NULL;
    while (probing->next < probing->plan->experiment->arm_count && !probing->estimate->arms[probing->next].runs_left)
        probing->next++;
    if (probing->next == probing->plan->experiment->arm_count)
        return true;
    place->arm = probing->next++;
    for (int i = 0; !planned; i++)
        planned = probing->plan->runs[i].arm == place->arm ? &probing->plan->runs[i] : NULL;
    struct run *run = memory_allocate(1, sizeof *run);
    plan_run(probing->plan, planned, run);
    bool done = rehearsal_open(&place->rehearsal, run, planned->id, probing->threads, probing->plan->weights, probing->plugins,
                               probing->error);
    free(run);
    return done;
}

static void leave(struct probing *probing, struct place *place)
{
    struct finding *finding = &probing->findings[place->arm];
    const struct rehearsal *rehearsal = &place->rehearsal;
    rehearsal_close(&place->rehearsal);
    if (finding->is_timed)
        finding->step_seconds = rehearsal_step_seconds(rehearsal);
    if (rehearsal->ended > 0)
        finding->whole_seconds = rehearsal->ended - rehearsal->begun;
}

// Planned memory counts what the process held before, which varies by some pages.
static bool is_near(int64_t a, int64_t b) { return llabs(a - b) <= (a < b ? a : b) / 50; }

// Arms of the same size take the same time: one of them is timed.
static int same_shape(const struct probing *probing, int arm)
{
    const struct arm_estimate *arms = probing->estimate->arms;
    for (int i = 0; i < probing->plan->experiment->arm_count; i++)
        if (i != arm && probing->findings[i].is_timed && arms[i].flops == arms[arm].flops &&
            arms[i].parameters == arms[arm].parameters && is_near(arms[i].planned_bytes, arms[arm].planned_bytes))
            return i;
    return -1;
}

// What the arm's worker says before its first step.
static void find(struct probing *probing, const struct place *place)
{
    struct arm_estimate *arm = &probing->estimate->arms[place->arm];
    struct finding *finding = &probing->findings[place->arm];
    arm->parameters = place->rehearsal.parameters;
    arm->planned_bytes = place->rehearsal.planned_bytes;
    arm->flops = place->rehearsal.flops;
    finding->known = true;
    finding->start_seconds = place->rehearsal.begun - place->rehearsal.opened;
    finding->like = same_shape(probing, place->arm);
    finding->is_timed = finding->like < 0;
}

static bool attend(struct probing *probing, struct place *place)
{
    struct rehearsal *rehearsal = &place->rehearsal;
    const struct finding *finding = &probing->findings[place->arm];
    if (!rehearsal_attend(rehearsal, probing->plan->experiment->arms[place->arm].name, probing->error))
        return false;
    if (rehearsal->begun == 0)
        return true;
    if (!finding->known)
        find(probing, place);
    bool is_enough = rehearsal->last - rehearsal->first >= PROBE_SECONDS && rehearsal->last_step > rehearsal->first_step;
    if (!finding->is_timed || is_enough || rehearsal->ended > 0 || clock_seconds() - rehearsal->begun > PATIENCE_SECONDS)
        leave(probing, place);
    return true;
}

// A pass over all places; *busy is false when the last has ended.
static bool probe_once(struct probing *probing, struct pollfd *polls, bool *busy)
{
    *busy = false;
    for (int i = 0; i < probing->jobs; i++) {
        struct place *place = &probing->places[i];
        if (!place->rehearsal.is_open && !fill(probing, place))
            return false;
        polls[i] =
            (struct pollfd){.fd = place->rehearsal.is_open ? place->rehearsal.child.messages.file : -1, .events = POLLIN};
        *busy = *busy || place->rehearsal.is_open;
    }
    if (!*busy)
        return true;
    if (poll(polls, (nfds_t)probing->jobs, 200) < 0 && errno != EINTR)
        return error_add(probing->error, "the probes cannot be waited for: %s", strerror(errno));
    for (int i = 0; i < probing->jobs; i++)
        if (probing->places[i].rehearsal.is_open && !attend(probing, &probing->places[i]))
            return false;
    return true;
}

static bool probe_all(struct probing *probing)
{
    struct pollfd *polls = memory_allocate((size_t)probing->jobs, sizeof *polls);
    probing->places = memory_allocate((size_t)probing->jobs, sizeof *probing->places);
    bool busy = true, done = true;
    while (done && busy)
        done = probe_once(probing, polls, &busy);
    for (int i = 0; i < probing->jobs; i++)
        rehearsal_close(&probing->places[i].rehearsal);
    free(probing->places);
    free(polls);
    return done;
}

// Tokens read by all evaluations of a run: the validation part every so often and at the end (and before the first step of a
// run that starts from another), the test part once; all of it again for each attention of eval_as.
static bool evaluated_tokens(const struct run *run, double *tokens, struct error *error)
{
    struct dataset dataset;
    bool done = dataset_open(&dataset, run, error);
    const int64_t length = run->model.seq_len;
    int64_t validation = batch_sequences(&dataset, DATA_VALIDATION, length) * length;
    int64_t test = batch_sequences(&dataset, DATA_TEST, length) * length;
    dataset_close(&dataset);
    const struct train_scalars *train = &run->train;
    if (train->eval_tokens > 0 && train->eval_tokens < validation)
        validation = train->eval_tokens;
    int64_t times = (run_source(run) ? 2 : 1) + (train->eval_every > 0 ? (train->steps - 1) / train->eval_every : 0);
    *tokens = (double)(1 + run->eval_as.count) * ((double)times * (double)validation + (double)test);
    return done;
}

// A forward pass is a third of a step's work. The data are those of an earlier arm, mostly; making them again costs a moment.
static bool weigh(struct probing *probing, struct error *error)
{
    bool done = true;
    for (int i = 0; done && i < probing->plan->experiment->arm_count; i++) {
        const struct run *run = &probing->plan->experiment->arms[i].run;
        double tokens = 0;
        if (!probing->estimate->arms[i].runs_left)
            continue;
        done = evaluated_tokens(run, &tokens, error);
        probing->findings[i].work = (double)run->train.steps + tokens / (double)(run->train.batch * run->model.seq_len) / 3;
    }
    return done;
}

// A run that is over before its steps can be told apart is timed as a whole.
static double run_seconds(const struct probing *probing, int arm)
{
    const struct finding *finding = &probing->findings[arm];
    const struct finding *timed = finding->is_timed ? finding : &probing->findings[finding->like];
    double step_seconds = timed->whole_seconds > 0 ? timed->whole_seconds / timed->work : timed->step_seconds;
    return finding->start_seconds + finding->work * step_seconds;
}

// Bytes of an arm's rows, four a step.
static int64_t rows_bytes(const struct arm_estimate *arm, const struct run *run)
{
    enum { ROW_BYTES = 40, ROWS_EACH_STEP = 4 };
    return run->train.steps * ROWS_EACH_STEP * ROW_BYTES * arm->runs_left;
}

// Of a checkpoint: weights and two moments.
static int64_t checkpoint_bytes(const struct arm_estimate *arm) { return 3 * 4 * arm->parameters; }

static int compare_bytes(const void *a, const void *b)
{
    int64_t first = *(const int64_t *)a, second = *(const int64_t *)b;
    return (first < second) - (first > second);
}

// Until the last run has ended.
static double all_seconds(const struct probing *probing)
{
    const struct plan *plan = probing->plan;
    double *seconds = memory_allocate((size_t)plan->run_count, sizeof *seconds);
    int count = 0;
    for (int i = 0; i < plan->run_count; i++)
        if (plan->runs[i].state == RUN_PLANNED)
            seconds[count++] = probing->estimate->arms[plan->runs[i].arm].seconds;
    double end = split_seconds(seconds, count, &(struct split_speed){{probing->jobs, probing->threads}, 1});
    free(seconds);
    return end;
}

static bool add_up(struct probing *probing, struct error *error)
{
    const struct experiment *experiment = probing->plan->experiment;
    struct estimate *estimate = probing->estimate;
    int64_t *bytes = memory_allocate((size_t)experiment->arm_count, sizeof *bytes);
    int64_t largest_checkpoint = 0;
    bool done = weigh(probing, error);
    for (int i = 0; done && i < experiment->arm_count; i++) {
        struct arm_estimate *arm = &estimate->arms[i];
        if (!arm->runs_left)
            continue;
        arm->seconds = run_seconds(probing, i);
        estimate->disk_bytes += rows_bytes(arm, &experiment->arms[i].run);
        largest_checkpoint = checkpoint_bytes(arm) > largest_checkpoint ? checkpoint_bytes(arm) : largest_checkpoint;
        bytes[i] = arm->planned_bytes;
    }
    if (done)
        estimate->seconds = all_seconds(probing);
    qsort(bytes, (size_t)experiment->arm_count, sizeof *bytes, compare_bytes);
    for (int i = 0; i < probing->jobs && i < estimate->runs_left; i++)
        estimate->memory_bytes += bytes[i < experiment->arm_count ? i : 0];
    estimate->disk_bytes += largest_checkpoint * probing->jobs;
    free(bytes);
    return done;
}

bool estimate_open(struct estimate *estimate, const struct plan *plan, const struct split *split, const char *const *plugins,
                   struct error *error)
{
    size_t arms = (size_t)plan->experiment->arm_count;
    struct probing probing = {
        .plan = plan, .estimate = estimate, .jobs = split->jobs, .threads = split->threads, .plugins = plugins, .error = error};
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    *estimate = (struct estimate){.arms = memory_allocate(arms, sizeof *estimate->arms), .runs_left = plan_left(plan)};
    probing.findings = memory_allocate(arms, sizeof *probing.findings);
    for (int i = 0; i < plan->run_count; i++)
        estimate->arms[plan->runs[i].arm].runs_left += plan->runs[i].state == RUN_PLANNED;
    messages_open();
    sigaction(SIGPIPE, &ignore, &before); // a worker that died is noticed by its end
    bool done = probe_all(&probing) && add_up(&probing, error);
    sigaction(SIGPIPE, &before, NULL);
    free(probing.findings);
    if (!done)
        estimate_close(estimate);
    return done;
}

void estimate_close(struct estimate *estimate)
{
    free(estimate->arms);
    *estimate = (struct estimate){0};
}
