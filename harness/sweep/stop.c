// stop.c: see stop.h.
#include "sweep/stop.h"

#include <errno.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

bool stop_open(struct stop *stop, struct error *error)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t stops;
    sigemptyset(&stops);
    sigaddset(&stops, SIGINT);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGHUP);
    sigprocmask(SIG_BLOCK, &stops, &stop->mask_before);
    sigaction(SIGPIPE, &ignore, &stop->pipe_before);
    stop->file = signalfd(-1, &stops, SFD_NONBLOCK | SFD_CLOEXEC);
    return stop->file >= 0 ||
           error_add(error, "signals cannot be listened to: %s; raise the limit of open files", strerror(errno));
}

bool stop_is_asked(const struct stop *stop)
{
    struct signalfd_siginfo signal;
    return read(stop->file, &signal, sizeof signal) > 0;
}

void stop_close(struct stop *stop)
{
    if (stop->file >= 0)
        close(stop->file);
    sigaction(SIGPIPE, &stop->pipe_before, NULL);
    sigprocmask(SIG_SETMASK, &stop->mask_before, NULL);
}
