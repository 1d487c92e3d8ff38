// child.h: a worker process as the runner holds it: spawned, spoken with over pipes, ended, and its last words.
//
// The child is this program again with the verb `worker`, in a process group of its own so that a terminal's Ctrl-C reaches the
// runner alone. Called by the runner and by the probes of --dry-run.
#ifndef SWEEP_CHILD_H
#define SWEEP_CHILD_H

#include <sys/types.h>

#include "base/error.h"
#include "sweep/messages.h"

enum { LAST_WORDS_SIZE = 400 };

struct child {
    pid_t process;
    int exit_notice;                  // pidfd: readable when the process has ended
    int requests;                     // its stdin
    struct lines messages;            // its messages, not blocking
    struct lines complaints;          // its stderr, not blocking
    char last_words[LAST_WORDS_SIZE]; // the last line of its stderr
    bool is_cut_off;                  // killed because it could not be told something
};

// `plugins` are loaded by the child too; NULL-ended. A child that cannot be started leaves nothing open.
bool child_open(struct child *child, const char *const *plugins, struct error *error);
// A child that cannot be told is killed, and noticed by its end.
void child_send(struct child *child, const struct message *message);
// Keeps the newest line of the child's stderr in last_words.
void child_listen(struct child *child);
void child_kill(const struct child *child);
// Waits for the end of a child that has ended or was killed, and says how it ended: "" for exit status 0.
void child_wait(struct child *child, struct text *ending);
void child_close(struct child *child);

#endif
