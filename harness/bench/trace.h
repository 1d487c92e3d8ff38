// trace.h: a profile as a Chrome trace file, which chrome://tracing and Perfetto draw: one row of boxes for each lane.
#ifndef BENCH_TRACE_H
#define BENCH_TRACE_H

#include "tensor/profile.h"

// Thread 0 of the trace is the steps and their parts, thread 1 + i is lane i. Makes the file's folder; replaces the file.
bool trace_write(const char *path, const struct profile *profile, struct error *error);

#endif
