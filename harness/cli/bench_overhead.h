// bench_overhead.h: `ablate bench overhead`, called by verb_bench.c.
#ifndef CLI_BENCH_OVERHEAD_H
#define CLI_BENCH_OVERHEAD_H

#include "cli/verb.h"

bool bench_overhead(const struct request *request, struct error *error);

#endif
