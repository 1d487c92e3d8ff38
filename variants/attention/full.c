// full.c: attention over the whole past: query i sees key j when j <= i; with model.causal: false, over everything.
// Vaswani et al. 2017, arXiv 1706.03762.
#include "registry/component.h"

static void spans(const struct attention_view *view, int64_t place, int64_t position, struct span_list *keys)
{
    (void)place;
    span_list_add(keys, 0, view->causal ? position + 1 : view->time);
}

const struct component attention_full = {
    .slot = SLOT_ATTENTION,
    .name = "full",
    .version = 1,
    .summary = "each query sees every key up to its own position",
    .source = "arXiv 1706.03762, section 3.2",
    .complexity = COMPLEXITY_N_SQUARED,
    .attention = {.pattern = {.spans = spans}},
};
