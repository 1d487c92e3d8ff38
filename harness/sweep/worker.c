// worker.c: a sink that sends what training tells, in batches, and waits for the store before a checkpoint.
#include "sweep/worker.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "store/provenance.h"

// A batch goes out when it is full or this old: often enough for a moving bar, rarely enough to cost nothing.
enum { BATCH_ROWS = 512 };
static const double BATCH_SECONDS = 0.5;

struct batch_of_rows {
    struct message_row rows[BATCH_ROWS];
    int64_t count;
};

struct sender {
    int output;
    struct lines input;
    const struct run *run;
    int threads;
    struct batch_of_rows metrics, throughput;
    double sent_at;
    struct arena names;       // of metrics: a few words that come again every step
    const char **known_names; // NULL-ended
    struct error broken;      // why nothing more can be sent
};

static void send(struct sender *sender, const struct message *message)
{
    struct text line = {0};
    message_print(message, &line);
    if (!sender->broken.count)
        line_write(sender->output, &line, &sender->broken);
    text_free(&line);
}

static void send_batch(struct sender *sender, enum message_kind kind, struct batch_of_rows *batch)
{
    if (batch->count)
        send(sender, &(struct message){.kind = kind, .rows = batch->rows, .row_count = batch->count});
    batch->count = 0;
}

static void send_batches(struct sender *sender)
{
    send_batch(sender, MESSAGE_METRICS, &sender->metrics);
    send_batch(sender, MESSAGE_THROUGHPUT, &sender->throughput);
    sender->sent_at = clock_seconds();
}

// The caller's name may not live until the batch is sent.
static const char *keep_name(struct sender *sender, const char *name)
{
    size_t count = 0;
    for (; sender->known_names && sender->known_names[count]; count++)
        if (!strcmp(sender->known_names[count], name))
            return sender->known_names[count];
    sender->known_names = memory_resize(sender->known_names, count + 2, sizeof *sender->known_names);
    sender->known_names[count] = arena_copy_text(&sender->names, name);
    sender->known_names[count + 1] = NULL;
    return sender->known_names[count];
}

static void add_row(struct sender *sender, struct batch_of_rows *batch, int64_t step, const char *name, double value)
{
    if (batch->count == BATCH_ROWS || clock_seconds() - sender->sent_at > BATCH_SECONDS)
        send_batches(sender);
    batch->rows[batch->count++] = (struct message_row){step, keep_name(sender, name), value};
}

static void begin(void *context, const struct train_facts *facts, int64_t resumed_from_step)
{
    struct sender *sender = context;
    struct arena arena = {0};
    send(sender, &(struct message){
                     .kind = MESSAGE_BEGIN,
                     .parameters = facts->parameters,
                     .parameters_without_embeddings = facts->parameters_without_embeddings,
                     .flops = facts->flops,
                     .planned_bytes = (int64_t)facts->planned_bytes,
                     .data_hash = facts->data_hash,
                     .resumed_from_step = resumed_from_step,
                     .provenance = provenance_collect(sender->run, sender->threads, facts->data_hash, &arena),
                 });
    arena_close(&arena);
}

static void metric(void *context, int64_t step, const char *name, double value)
{
    struct sender *sender = context;
    add_row(sender, &sender->metrics, step, name, value);
}

static void throughput(void *context, int64_t step, double tokens_per_s)
{
    struct sender *sender = context;
    add_row(sender, &sender->throughput, step, "", tokens_per_s);
}

static void event(void *context, int64_t step, const char *kind, double value, double threshold, const char *detail)
{
    struct sender *sender = context;
    send_batches(sender);
    send(sender,
         &(struct message){
             .kind = MESSAGE_EVENT, .step = step, .event = kind, .value = value, .threshold = threshold, .detail = detail});
}

// Reads the next message of a kind; the runner sends nothing that was not asked for.
static bool await_message(struct lines *lines, enum message_kind kind, struct message *message, struct error *error)
{
    const char *line;
    while (!(line = lines_next(lines))) {
        if (lines->ended)
            return error_add(error, "a worker is started by `ablate run`; nobody is there to speak with");
        if (!lines_fill(lines, error))
            return false;
    }
    if (!message_read(line, message, error))
        return false;
    if (message->kind == kind)
        return true;
    message_close(message);
    return error_add(error, "the runner answered something else than was asked: %.80s", line);
}

static bool commit(void *context, int64_t step, struct error *error)
{
    struct sender *sender = context;
    struct message answer;
    send_batches(sender);
    send(sender, &(struct message){.kind = MESSAGE_COMMIT, .step = step});
    if (sender->broken.count)
        return error_add(error, "%.*s", (int)strcspn(sender->broken.text, "\n"), sender->broken.text);
    if (!await_message(&sender->input, MESSAGE_COMMITTED, &answer, error))
        return false;
    bool same = answer.step == step;
    message_close(&answer);
    return same || error_add(error, "the runner answered for another step than %lld", (long long)step);
}

static void visit_key(const struct run *run, const char *key, struct fact *values, int *count, struct arena *arena)
{
    struct text value = {0};
    if (run_print(run, key, &value))
        values[(*count)++] = (struct fact){key, arena_copy_text(arena, value.data)};
    text_free(&value);
}

const struct fact *worker_values(const struct run *run, struct arena *arena)
{
    int scalars = 0, count = 0;
    while (run_scalars[scalars].name)
        scalars++;
    struct fact *values = arena_allocate(arena, (size_t)(scalars + SLOT_COUNT + 2), sizeof *values);
    for (int i = 0; i < scalars; i++)
        visit_key(run, run_scalars[i].name, values, &count, arena);
    for (int slot = 0; slot < SLOT_COUNT; slot++)
        visit_key(run, slot_facts[slot].name, values, &count, arena);
    visit_key(run, "eval_as", values, &count, arena);
    return values;
}

static bool read_run(const struct message *request, struct run *run, struct arena *arena, struct error *error)
{
    run_defaults(run, arena);
    for (const struct fact *value = request->values; value->name; value++)
        if (!run_set(run, value->name, value->value, arena, error))
            return false;
    return run_resolve(run, error);
}

static bool train(struct sender *sender, const struct message *request, struct error *error)
{
    struct arena arena = {0};
    struct run *run = arena_allocate(&arena, 1, sizeof *run);
    struct train_result result = {0};
    bool done = read_run(request, run, &arena, error);
    if (done) {
        struct train_options options = {.threads = (int)request->threads,
                                        .checkpoint = request->checkpoint,
                                        .weights = request->weights};
        struct train_sink sink = {sender, begin, metric, throughput, event, commit, NULL};
        sender->run = run;
        sender->threads = options.threads;
        done = train_run(run, &options, &sink, &result, error);
    }
    send_batches(sender);
    if (done)
        send(sender, &(struct message){.kind = MESSAGE_END,
                                       .diverged = result.state == TRAIN_DIVERGED,
                                       .diverged_at = result.diverged_at,
                                       .seconds = result.seconds,
                                       .tokens_per_s = result.tokens_per_s,
                                       .peak_rss_bytes = (int64_t)result.peak_rss_bytes});
    else
        send(sender, &(struct message){.kind = MESSAGE_TROUBLE, .detail = error->text});
    arena_close(&arena);
    return done;
}

bool worker_main(struct error *error)
{
    struct message request = {0};
    struct sender *sender = memory_allocate(1, sizeof *sender);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    messages_open();
    // What a plug-in or a library prints must not land among the messages.
    fflush(stdout);
    sender->output = dup(STDOUT_FILENO);
    bool done = sender->output >= 0 && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0;
    if (!done)
        error_add(error, "the pipe to the runner cannot be kept apart from the output; raise the limit of open files");
    sender->input = (struct lines){.file = STDIN_FILENO};
    done = done && await_message(&sender->input, MESSAGE_RUN, &request, error);
    if (done) {
        done = train(sender, &request, error);
        // Trouble that was told is the runner's to print.
        if (!done && !sender->broken.count)
            *error = (struct error){0};
        if (sender->broken.count)
            done = error_add(error, "%.*s", (int)strcspn(sender->broken.text, "\n"), sender->broken.text);
        message_close(&request);
    }
    if (sender->output >= 0)
        close(sender->output);
    lines_close(&sender->input);
    arena_close(&sender->names);
    free(sender->known_names);
    free(sender);
    return done;
}
