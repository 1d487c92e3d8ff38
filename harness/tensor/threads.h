// threads.h: the one place where threads live: a team that runs the same function on every member, then meets.
//
// Used by the executor and the optimizer. Members are numbered from 0, the caller; a team of one creates no thread.
#ifndef TENSOR_THREADS_H
#define TENSOR_THREADS_H

#include "base/error.h"

struct team;
bool team_open(struct team **team, int size, struct error *error);
void team_close(struct team *team);
int team_size(const struct team *team);
// Runs work(context, member, size) on all members and returns when the last is done.
void team_run(struct team *team, void (*work)(void *context, int member, int size), void *context);
// Within such work: waits until every member of the team has called it as often.
void team_meet(struct team *team);

#endif
