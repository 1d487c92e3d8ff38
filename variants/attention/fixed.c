// fixed.c: the keys of one's own block of `stride` positions, and the last `summary` positions of every block before it.
//
// Query i sees key j when j <= i and (i/stride == j/stride or j % stride >= stride - summary): what the past says passes
// through the summaries. Child et al. 2019, arXiv 1904.10509, section 4.3; they take 128 and 8 to 32.
//
// The block is the first pass. In the second, the summary positions of all blocks come first: the keys of a query are then
// neighbours, and fill their tiles.
//
// Refuses model.causal: false, and a summary longer than its block.
#include "registry/component.h"

struct fixed {
    int64_t stride, summary;
};
enum pass { BLOCK, SUMMARIES, PASSES };

static const struct option options[] = {
    {"stride", OPTION_INT, offsetof(struct fixed, stride), .fallback = "16", .min = 1, .max = 1 << 30, .unit = "positions",
     .help = "length of a block; best near the square root of the length"},
    {"summary", OPTION_INT, offsetof(struct fixed, summary), .fallback = "4", .min = 1, .max = 1 << 30, .unit = "positions",
     .help = "positions at the end of a block that all later queries see"},
    {0},
};

static bool in_summary(const struct fixed *fixed, int64_t position)
{
    return position % fixed->stride >= fixed->stride - fixed->summary;
}

static void order(const struct attention_view *view, int32_t *places)
{
    const struct fixed *fixed = view->options;
    int64_t summaries = 0, i = 0;
    for (int64_t position = 0; position < view->time; position++)
        summaries += view->pass == SUMMARIES && in_summary(fixed, position);
    for (int64_t position = 0; position < view->time; position++)
        if (view->pass == SUMMARIES && in_summary(fixed, position))
            places[i++] = (int32_t)position;
        else
            places[summaries + position - i] = (int32_t)position;
}

static void spans(const struct attention_view *view, int64_t place, int64_t position, struct span_list *keys)
{
    const struct fixed *fixed = view->options;
    int64_t blocks_before = position / fixed->stride;
    if (view->pass == BLOCK)
        span_list_add(keys, blocks_before * fixed->stride, place + 1);
    else
        span_list_add(keys, 0, blocks_before * fixed->summary);
}

static bool accepts(const void *self, const struct run *run, struct error *error)
{
    const struct fixed *fixed = self;
    if (fixed->summary > fixed->stride)
        return error_request(error,
                             "attention: fixed(stride=%lld, summary=%lld): a summary is part of its block; set summary to "
                             "%lld or less",
                             (long long)fixed->stride, (long long)fixed->summary, (long long)fixed->stride);
    return run->model.causal ||
           error_request(error, "attention: fixed is defined over the past alone; set model.causal: true, or take full, "
                                "sliding or longformer");
}

const struct component attention_fixed = {
    .slot = SLOT_ATTENTION,
    .name = "fixed",
    .version = 1,
    .summary = "each query sees its block of `stride` keys and the last `summary` keys of the blocks before",
    .source = "arXiv 1904.10509, section 4.3",
    .options = options,
    .options_size = sizeof(struct fixed),
    .complexity = COMPLEXITY_N_SQUARED,
    .accepts = accepts,
    .attention = {.pattern = {.passes = PASSES, .order = order, .spans = spans}},
};
