// messages.h: what the runner and a worker say to each other: one JSON object a line.
//
// The runner writes `run` and `committed` to the worker's stdin; everything else comes back on a pipe. Doubles pass unchanged:
// 17 digits, and non-finite values as the words "nan", "inf" and "-inf". A line that is not a message is refused with the
// reason.
#ifndef SWEEP_MESSAGES_H
#define SWEEP_MESSAGES_H

#include <jansson.h>

#include "base/error.h"
#include "base/text.h"
#include "store/store.h"
#include "train/train.h"

enum message_kind {
    MESSAGE_RUN,        // id, values, threads, checkpoint, weights: what to run
    MESSAGE_BEGIN,      // facts, provenance, resumed_from_step
    MESSAGE_METRICS,    // rows
    MESSAGE_THROUGHPUT, // rows, without names
    MESSAGE_EVENT,      // step, event, value, threshold, detail
    MESSAGE_COMMIT,     // step: everything up to here must be stored before a checkpoint is written
    MESSAGE_COMMITTED,  // step: it is
    MESSAGE_END,        // diverged, diverged_at, seconds, tokens_per_s, peak_rss_bytes
    MESSAGE_TROUBLE,    // detail: what the user or the machine did wrong
    MESSAGE_KINDS
};

struct message_row {
    int64_t step;
    const char *name;
    double value;
};

struct message {
    enum message_kind kind;
    const char *id, *checkpoint, *weights; // a file and a folder, NULL for none
    const struct fact *values;             // the run's keys, ended by name NULL
    int64_t threads;
    int64_t parameters, parameters_without_embeddings, planned_bytes;
    double flops;
    const char *data_hash;
    const struct fact *provenance; // ended by name NULL
    int64_t resumed_from_step;
    const struct message_row *rows;
    int64_t row_count;
    int64_t step;
    const char *event, *detail; // detail: NULL for none
    double value, threshold;
    bool diverged;
    int64_t diverged_at, peak_rss_bytes;
    double seconds, tokens_per_s;
    json_t *json; // of a message that was read: owns its strings
};

// Once, before the first message: jansson then allocates as everything small does, and can lose nothing for want of memory.
void messages_open(void);

// Adds the message as one line.
void message_print(const struct message *message, struct text *line);
// Reads a line; on success the caller releases it with message_close.
bool message_read(const char *line, struct message *message, struct error *error);
void message_close(struct message *message);

// Writes all of a line to a pipe, waiting as long as it takes.
bool line_write(int file, const struct text *line, struct error *error);

// Lines as they come from a pipe.
struct lines {
    int file;
    size_t begin, looked; // the next line starts at `begin`; no newline before `looked`
    bool ended;           // the other side closed
    bool dry;             // the last look found nothing, of a pipe that does not block
    struct text text;
};
enum { LINE_SIZE_MAX = 1 << 24 };
// Reads once what there is. False: the pipe broke, or a line longer than LINE_SIZE_MAX came.
bool lines_fill(struct lines *lines, struct error *error);
// The next whole line without its end, or NULL; valid until the next call of either.
const char *lines_next(struct lines *lines);
void lines_close(struct lines *lines);

#endif
