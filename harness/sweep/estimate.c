// estimate.c: probes the arms of a plan, and adds up.
#include "sweep/estimate.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "sweep/child.h"
#include "sweep/worker.h"

static const double PROBE_SECONDS = 1.5;   // of training; more where a step takes longer
static const double PATIENCE_SECONDS = 60; // for the second step of a probe

struct probe {
    struct child child;
    bool is_open;
    int arm;                           // -1: none
    double opened, begun, first, last; // clock: started, ready, its first and newest steps came
    int64_t first_step, last_step;
};

// What probing an arm found.
struct finding {
    bool known, is_timed;
    int like; // the arm of the same shape that was timed
    double start_seconds, step_seconds;
};

struct probing {
    const struct plan *plan;
    struct estimate *estimate;
    struct finding *findings; // [arm]
    struct probe *probes;     // [jobs]
    int jobs, threads, next;
    const char *const *plugins;
    struct error *error;
};

static bool open_probe(struct probing *probing, struct probe *probe)
{
    struct arena arena = {0};
    const struct planned_run *planned = NULL;
    while (probing->next < probing->plan->experiment->arm_count && !probing->estimate->arms[probing->next].runs_left)
        probing->next++;
    if (probing->next == probing->plan->experiment->arm_count)
        return true;
    *probe = (struct probe){.arm = probing->next++, .opened = clock_seconds()};
    for (int i = 0; !planned; i++)
        planned = probing->plan->runs[i].arm == probe->arm ? &probing->plan->runs[i] : NULL;
    struct run *run = arena_allocate(&arena, 1, sizeof *run);
    plan_run(probing->plan, planned, run);
    struct message request = {.kind = MESSAGE_RUN,
                              .id = planned->id,
                              .values = worker_values(run, &arena),
                              .threads = probing->threads};
    probe->is_open = child_open(&probe->child, probing->plugins, probing->error);
    if (probe->is_open)
        child_send(&probe->child, &request);
    arena_close(&arena);
    return probe->is_open;
}

static void close_probe(struct probing *probing, struct probe *probe)
{
    struct text ending = {0};
    struct finding *finding = &probing->findings[probe->arm];
    child_kill(&probe->child);
    child_wait(&probe->child, &ending);
    child_close(&probe->child);
    text_free(&ending);
    probe->is_open = false;
    if (finding->is_timed)
        finding->step_seconds = probe->last_step > probe->first_step
                                    ? (probe->last - probe->first) / (double)(probe->last_step - probe->first_step)
                                    : NAN;
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

static void hear_begin(struct probing *probing, struct probe *probe, const struct message *message)
{
    struct arm_estimate *arm = &probing->estimate->arms[probe->arm];
    struct finding *finding = &probing->findings[probe->arm];
    arm->parameters = message->parameters;
    arm->planned_bytes = message->planned_bytes;
    arm->flops = message->flops;
    probe->begun = clock_seconds();
    finding->known = true;
    finding->start_seconds = probe->begun - probe->opened;
    finding->like = same_shape(probing, probe->arm);
    finding->is_timed = finding->like < 0;
    if (!finding->is_timed)
        close_probe(probing, probe);
}

static void hear_steps(struct probing *probing, struct probe *probe, const struct message *message)
{
    double now = clock_seconds();
    for (int64_t i = 0; i < message->row_count; i++)
        if (!strcmp(message->rows[i].name, "train_loss"))
            probe->last_step = message->rows[i].step;
    if (probe->first == 0) {
        probe->first = now;
        probe->first_step = probe->last_step;
    }
    probe->last = now;
    if (now - probe->first >= PROBE_SECONDS && probe->last_step > probe->first_step)
        close_probe(probing, probe);
}

static bool hear(struct probing *probing, struct probe *probe, const char *line)
{
    struct message message;
    if (!message_read(line, &message, probing->error))
        return false;
    bool done = true;
    if (message.kind == MESSAGE_BEGIN)
        hear_begin(probing, probe, &message);
    else if (message.kind == MESSAGE_METRICS)
        hear_steps(probing, probe, &message);
    else if (message.kind == MESSAGE_COMMIT)
        child_send(&probe->child, &(struct message){.kind = MESSAGE_COMMITTED, .step = message.step});
    else if (message.kind == MESSAGE_END)
        close_probe(probing, probe);
    else if (message.kind == MESSAGE_TROUBLE)
        done = error_add(probing->error, "%s: %.*s", probing->plan->experiment->arms[probe->arm].name,
                         (int)strcspn(message.detail, "\n"), message.detail);
    message_close(&message);
    return done;
}

static bool attend(struct probing *probing, struct probe *probe)
{
    struct text ending = {0};
    const char *line;
    if (!lines_fill(&probe->child.messages, probing->error))
        return false;
    while (probe->is_open && (line = lines_next(&probe->child.messages)))
        if (!hear(probing, probe, line))
            return false;
    if (!probe->is_open)
        return true;
    child_listen(&probe->child);
    bool ended = probe->child.messages.ended;
    if (ended) {
        child_wait(&probe->child, &ending);
        error_add(probing->error, "%s: the worker %s", probing->plan->experiment->arms[probe->arm].name,
                  ending.length ? ending.data : "ended without a word");
        text_free(&ending);
        return false;
    }
    if (probe->begun > 0 && clock_seconds() - probe->begun > PATIENCE_SECONDS)
        close_probe(probing, probe);
    return true;
}

// A pass over all probes; *busy is false when the last has ended.
static bool probe_once(struct probing *probing, struct pollfd *polls, bool *busy)
{
    *busy = false;
    for (int i = 0; i < probing->jobs; i++) {
        struct probe *probe = &probing->probes[i];
        if (!probe->is_open && !open_probe(probing, probe))
            return false;
        polls[i] = (struct pollfd){.fd = probe->is_open ? probe->child.messages.file : -1, .events = POLLIN};
        *busy = *busy || probe->is_open;
    }
    if (!*busy)
        return true;
    if (poll(polls, (nfds_t)probing->jobs, 200) < 0 && errno != EINTR)
        return error_add(probing->error, "the probes cannot be waited for: %s", strerror(errno));
    for (int i = 0; i < probing->jobs; i++)
        if (probing->probes[i].is_open && !attend(probing, &probing->probes[i]))
            return false;
    return true;
}

static bool probe_all(struct probing *probing)
{
    struct pollfd *polls = memory_allocate((size_t)probing->jobs, sizeof *polls);
    probing->probes = memory_allocate((size_t)probing->jobs, sizeof *probing->probes);
    bool busy = true, done = true;
    while (done && busy)
        done = probe_once(probing, polls, &busy);
    for (int i = 0; i < probing->jobs; i++)
        if (probing->probes[i].is_open)
            close_probe(probing, &probing->probes[i]);
    free(probing->probes);
    free(polls);
    return done;
}

// Tokens read by all evaluations of a run: the validation part every so often and at the end, the test part once.
static bool evaluated_tokens(const struct run *run, double *tokens, struct error *error)
{
    const struct choice *choice = run_choice(run, SLOT_DATA, 0);
    struct dataset dataset = {0};
    bool done = choice->component->data.open(choice->options.bytes, &dataset, error);
    int64_t validation = dataset.parts[DATA_VALIDATION].end - dataset.parts[DATA_VALIDATION].begin;
    int64_t test = dataset.parts[DATA_TEST].end - dataset.parts[DATA_TEST].begin;
    dataset_close(&dataset);
    const struct train_scalars *train = &run->train;
    if (train->eval_tokens > 0 && train->eval_tokens < validation)
        validation = train->eval_tokens;
    int64_t times = 1 + (train->eval_every > 0 ? (train->steps - 1) / train->eval_every : 0);
    *tokens = (double)times * (double)validation + (double)test;
    return done;
}

// A forward pass is a third of a step's work.
static double run_seconds(const struct probing *probing, int arm, double tokens)
{
    const struct finding *finding = &probing->findings[arm];
    const struct finding *timed = finding->is_timed ? finding : &probing->findings[finding->like];
    const struct run *run = &probing->plan->experiment->arms[arm].run;
    double steps = (double)run->train.steps + tokens / (double)(run->train.batch * run->model.seq_len) / 3;
    return finding->start_seconds + steps * timed->step_seconds;
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

static bool add_up(struct probing *probing, struct error *error)
{
    const struct experiment *experiment = probing->plan->experiment;
    struct estimate *estimate = probing->estimate;
    int64_t *bytes = memory_allocate((size_t)experiment->arm_count, sizeof *bytes);
    int64_t largest_checkpoint = 0;
    bool done = true;
    for (int i = 0; done && i < experiment->arm_count; i++) {
        struct arm_estimate *arm = &estimate->arms[i];
        const struct run *run = &experiment->arms[i].run;
        double tokens = 0;
        if (!arm->runs_left)
            continue;
        // The data are those of an earlier arm, mostly; making them again costs a moment.
        done = evaluated_tokens(run, &tokens, error);
        arm->seconds = run_seconds(probing, i, tokens);
        estimate->seconds += arm->seconds * arm->runs_left / probing->jobs;
        estimate->disk_bytes += rows_bytes(arm, run);
        largest_checkpoint = checkpoint_bytes(arm) > largest_checkpoint ? checkpoint_bytes(arm) : largest_checkpoint;
        bytes[i] = arm->planned_bytes;
    }
    qsort(bytes, (size_t)experiment->arm_count, sizeof *bytes, compare_bytes);
    for (int i = 0; i < probing->jobs && i < estimate->runs_left; i++)
        estimate->memory_bytes += bytes[i < experiment->arm_count ? i : 0];
    estimate->disk_bytes += largest_checkpoint * probing->jobs;
    free(bytes);
    return done;
}

bool estimate_open(struct estimate *estimate, const struct plan *plan, int jobs, int threads, const char *const *plugins,
                   struct error *error)
{
    size_t arms = (size_t)plan->experiment->arm_count;
    struct probing probing = {
        .plan = plan, .estimate = estimate, .jobs = jobs, .threads = threads, .plugins = plugins, .error = error};
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
