// stop.h: the signals that ask a sweep to stop (SIGINT, SIGTERM, SIGHUP), as a file that can be read when one has come.
//
// Between stop_open and stop_close they interrupt nothing by themselves, and a worker that died is noticed by its end, not by
// SIGPIPE. Called by the runner.
#ifndef SWEEP_STOP_H
#define SWEEP_STOP_H

#include <signal.h>

#include "base/error.h"

struct stop {
    int file; // -1: not open
    sigset_t mask_before;
    struct sigaction pipe_before;
};

// stop_close also after a failure.
bool stop_open(struct stop *stop, struct error *error);
bool stop_is_asked(const struct stop *stop);
void stop_close(struct stop *stop);

#endif
