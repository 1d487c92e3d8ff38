// attention_laws.h: what must hold of an attention component's pattern, beside the properties of every model.
#ifndef CHECK_ATTENTION_LAWS_H
#define CHECK_ATTENTION_LAWS_H

#include "base/text.h"
#include "registry/run.h"

// The gradient of one query's loss by the vector of each position is exactly zero where no path of visible pairs, one a layer,
// leads, and not zero elsewhere; without model.causal too, where the component takes it. `run` fills the slot.
bool attention_reach_law(const struct run *run, struct text *seen);
// Pairs multiplied over pairs seen, at a length where a pattern that visits every tile would be found out.
bool attention_tiles_law(const struct run *run, struct text *seen);

#endif
