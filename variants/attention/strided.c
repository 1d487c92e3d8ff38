// strided.c: the last `stride` keys, and every `stride`-th key before them.
//
// Query i sees key j when j <= i and (i-j < stride or (i-j) % stride == 0): two steps reach everything. With a stride near the
// square root of the length n, a layer costs n sqrt(n). Child et al. 2019, arXiv 1904.10509, section 4.3.
//
// The window is the first pass. In the second, positions are ordered by their residue modulo the stride: the keys of a query
// are then neighbours, and fill their tiles.
//
// Refuses model.causal: false.
#include "registry/component.h"

struct strided {
    int64_t stride;
};
enum pass { WINDOW, EVERY_STRIDE, PASSES };

static const struct option options[] = {
    {"stride", OPTION_INT, offsetof(struct strided, stride), .fallback = "16", .min = 1, .max = 1 << 30, .unit = "positions",
     .help = "keys of the window, and distance between the keys before it; best near the square root of the length"},
    {0},
};

// 0, stride, 2 stride, ..., 1, 1 + stride, ...
static void order(const struct attention_view *view, int32_t *places)
{
    const struct strided *strided = view->options;
    int64_t step = view->pass == WINDOW ? 1 : strided->stride;
    for (int64_t residue = 0, i = 0; residue < step && i < view->time; residue++)
        for (int64_t position = residue; position < view->time; position += step)
            places[i++] = (int32_t)position;
}

static void spans(const struct attention_view *view, int64_t place, int64_t position, struct span_list *keys)
{
    const struct strided *strided = view->options;
    if (view->pass == WINDOW)
        span_list_add(keys, place - (strided->stride - 1), place + 1);
    else // position / stride keys of its residue lie before it
        span_list_add(keys, place - position / strided->stride, place);
}

static bool accepts(const void *self, const struct run *run, struct error *error)
{
    (void)self;
    return run->model.causal ||
           error_request(error, "attention: strided is defined over the past alone; set model.causal: true, or take full, "
                                "sliding or longformer");
}

const struct component attention_strided = {
    .slot = SLOT_ATTENTION,
    .name = "strided",
    .version = 1,
    .summary = "each query sees the last `stride` keys and every `stride`-th before them",
    .source = "arXiv 1904.10509, section 4.3",
    .options = options,
    .options_size = sizeof(struct strided),
    .complexity = COMPLEXITY_N_SQUARED,
    .accepts = accepts,
    .attention = {.pattern = {.passes = PASSES, .order = order, .spans = spans}},
};
