// figure_pattern.h: the picture of an attention pattern: which pairs a query sees, and which the kernel visits for it.
//
// Both come from the component's own schedule of tiles. Where hashes decide who sees whom, vectors drawn for run->seed are
// hashed by the model's own rotations of that seed: such a layer has a square by position, of all rounds together, and one in
// the order of its first round's buckets, where what is seen lies along the diagonal (Kitaev et al. 2020, figure 2). Called by
// `ablate plot --pattern`.
#ifndef REPORT_FIGURE_PATTERN_H
#define REPORT_FIGURE_PATTERN_H

#include "base/error.h"
#include "registry/run.h"

enum { FIGURE_PATTERN_TIME_MAX = 1024 };

// A panel for each entry of the run's attention list, and for each kind of its heads, over model.seq_len positions. Leaves
// NAME.tsv, the scripts and NAME.<terminal> in `folder`; *name, in the arena, is made from the setting.
bool figure_pattern_draw(const struct run *run, const char *folder, const char *terminal, struct arena *arena,
                         const char **name, struct error *error);

#endif
