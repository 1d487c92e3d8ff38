// sliding.c: causal attention over the last `window` keys, every `dilation`-th of them.
//
// Query i sees key j when j <= i, (i-j) % dilation == 0 and (i-j)/dilation < window; n layers reach n (window-1) dilation
// positions back. The cost of a token does not depend on the length. Beltagy et al. 2020, arXiv 2004.05150, section 3.1.
//
// Positions are ordered by their residue modulo the dilation: the keys of a query are then neighbours, and fill their tiles.
// Refuses model.causal: false.
#include "registry/component.h"

struct sliding {
    int64_t window, dilation;
};

static const struct option options[] = {
    {"window", OPTION_INT, offsetof(struct sliding, window), .fallback = "64", .min = 1, .max = 1 << 30, .unit = "keys",
     .help = "keys a query sees, itself included"},
    {"dilation", OPTION_INT, offsetof(struct sliding, dilation), .fallback = "1", .min = 1, .max = 1 << 30, .unit = "positions",
     .help = "distance between two visible keys"},
    {0},
};

// 0, dilation, 2 dilation, ..., 1, 1 + dilation, ...
static void order(const void *self, int pass, int64_t time, int32_t *places)
{
    (void)pass;
    const struct sliding *sliding = self;
    for (int64_t residue = 0, i = 0; residue < sliding->dilation && i < time; residue++)
        for (int64_t position = residue; position < time; position += sliding->dilation)
            places[i++] = (int32_t)position;
}

// One step back in a residue is one place back.
static void spans(const void *self, int pass, struct span queries, int64_t time, struct span_list *keys)
{
    (void)pass, (void)time;
    const struct sliding *sliding = self;
    span_list_add(keys, queries.begin - (sliding->window - 1), queries.end);
}

static bool sees(const void *self, int pass, int64_t query, int64_t key)
{
    (void)pass;
    const struct sliding *sliding = self;
    int64_t age = query - key;
    return age >= 0 && age % sliding->dilation == 0 && age / sliding->dilation < sliding->window;
}

static bool accepts(const void *self, const struct run *run, struct error *error)
{
    (void)self;
    return run->model.causal || error_request(error, "attention: sliding sees the past alone; set model.causal: true");
}

const struct component attention_sliding = {
    .slot = SLOT_ATTENTION,
    .name = "sliding",
    .version = 1,
    .summary = "each query sees the last `window` keys, `dilation` apart",
    .source = "arXiv 2004.05150, section 3.1",
    .options = options,
    .options_size = sizeof(struct sliding),
    .complexity = COMPLEXITY_N,
    .accepts = accepts,
    .attention = {.pattern = {.order = order, .spans = spans, .sees = sees}},
};
