// roofline.h: every op's speed against its arithmetic intensity, under the roof of the machine that measured it.
//
// Williams, Waterman and Patterson 2009: no op is faster than the FMA peak, nor than its FLOPs per byte times the bandwidth of
// memory. Called by `ablate bench`. An op whose operands stay in a cache may stand above the slope, which is that of memory.
#ifndef REPORT_ROOFLINE_H
#define REPORT_ROOFLINE_H

#include "base/error.h"
#include "store/store.h"

// Draws the ops of a set, each at the shape with the most operations, to FILE.svg, .png or .pdf; FILE.tsv and the scripts are
// left beside it. Refuses another ending, and a set without ops.
bool roofline_draw(const struct store_benchmark_set *set, const char *file, struct error *error);

#endif
