// tanh.c: a smooth bound on attention scores: x becomes cap tanh(x / cap), nearly x where |x| is small. Gemma 2, arXiv
// 2408.00118.
#include "registry/component.h"

struct softcap {
    double cap;
};

static const struct option options[] = {
    {"cap", OPTION_REAL, offsetof(struct softcap, cap), .fallback = "50", .min = 0, .max = 1e30, .above_min = true,
     .help = "the bound that is approached and never passed"},
    {0},
};

static double cap(const void *self) { return ((const struct softcap *)self)->cap; }

const struct component attn_softcap_tanh = {
    .slot = SLOT_ATTN_SOFTCAP,
    .name = "tanh",
    .version = 1,
    .summary = "x becomes cap tanh(x / cap)",
    .source = "arXiv 2408.00118, section 2",
    .options = options,
    .options_size = sizeof(struct softcap),
    .softcap = {.cap = cap},
};
