// full.c: causal attention over the whole past: query i sees key j when j <= i. Vaswani et al. 2017, arXiv 1706.03762.
//
// Refuses model.causal: false.
#include "registry/component.h"

static void spans(const void *self, int pass, struct span queries, int64_t time, struct span_list *keys)
{
    (void)self, (void)pass, (void)time;
    span_list_add(keys, 0, queries.end);
}

static bool sees(const void *self, int pass, int64_t query, int64_t key)
{
    (void)self, (void)pass;
    return key <= query;
}

static bool accepts(const void *self, const struct run *run, struct error *error)
{
    (void)self;
    return run->model.causal || error_request(error, "attention: full sees the past alone; set model.causal: true");
}

const struct component attention_full = {
    .slot = SLOT_ATTENTION,
    .name = "full",
    .version = 1,
    .summary = "each query sees every key up to its own position",
    .source = "arXiv 1706.03762, section 3.2",
    .complexity = COMPLEXITY_N_SQUARED,
    .accepts = accepts,
    .attention = {.pattern = {.spans = spans, .sees = sees}},
};
