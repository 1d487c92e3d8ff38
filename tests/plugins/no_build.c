// no_build.c: lacks the one call that its slot needs, a version and a summary.
#include "registry/component.h"

const struct component ffn_no_build = {.slot = SLOT_FFN, .name = "no_build"};
