// machine.h: what this machine can do at most: multiply-adds from registers, and bytes from memory.
//
// Every other speed is a fraction of these. Called by benchmarks and by the profile, with the team that does the work there.
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include "base/error.h"
#include "tensor/threads.h"

// FLOP/s of float multiply-adds, of all members together, in the widest vectors that the program was built for. Takes about 0.1
// s.
double machine_fma_flops_per_s(struct team *team);
// The same over a stretch of about `seconds`, with whatever slows the machine down meanwhile: to set beside what was measured
// over such a stretch.
double machine_fma_flops_per_s_over(struct team *team, double seconds);
// Bytes/s of a[i] = b[i] + factor c[i] over arrays that no cache holds, three moved for each element; as above. Refuses when
// the arrays (96 MiB, or four times the last cache) do not fit into memory.
bool machine_triad_bytes_per_s(struct team *team, double *bytes_per_s, struct error *error);

#endif
