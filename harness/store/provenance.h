// provenance.h: what made a run: program, compiler, processor, matrix products, memory, component versions, data.
//
// Who calls it, once gemm_open has been called: the worker, which sends the facts in its first message, and `ablate bench`.
#ifndef STORE_PROVENANCE_H
#define STORE_PROVENANCE_H

#include "base/memory.h"
#include "registry/run.h"
#include "store/store.h"

// Ended by name NULL; strings live in `arena`. Facts that this machine does not tell are "unknown".
const struct fact *provenance_collect(const struct run *run, int threads, const char *data_hash, struct arena *arena);
// The part of it that made a benchmark: program, compiler, processor, memory, the way of products, threads.
const struct fact *provenance_bench(const struct run *run, int threads, struct arena *arena);

// "1a2b3c4d5e6f", with "+changes" when the working tree differed from it; "unknown" for a build outside git.
const char *provenance_commit(void);

#endif
