// lsh_laws.h: what must hold where hashes decide who sees whom, beside the properties of every model.
#ifndef CHECK_LSH_LAWS_H
#define CHECK_LSH_LAWS_H

#include "base/text.h"
#include "registry/run.h"

// Tiles show exactly the pairs of the definition, each in one round, for hashes that spread and for hashes that gather.
bool lsh_visible_law(const struct run *run, struct text *seen);
// Outputs and gradients over several tiles, buckets and rounds equal the softmax over the union of the rounds, by brute force.
bool lsh_union_law(const struct run *run, struct text *seen);
// Twice as many rounds come closer to attention over one chunk, in which every earlier key is seen.
bool lsh_rounds_law(const struct run *run, struct text *seen);
// Pairs multiplied over pairs seen at 16384 tokens, with hashes that spread.
bool lsh_tiles_law(const struct run *run, struct text *seen);

#endif
