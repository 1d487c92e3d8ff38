// sliding.c: attention over the last `window` keys, every `dilation`-th of them on some heads.
//
// Query i sees key j when j <= i, (i-j) % dilation == 0 and (i-j)/dilation < window; with model.causal: false, |i-j| takes the
// place of i-j. n layers reach n (window-1) dilation positions. The cost of a token does not depend on the length. Beltagy et
// al. 2020, arXiv 2004.05150, section 3.1; they dilate 2 heads of the upper layers.
//
// Positions are ordered by their residue modulo the dilation: the keys of a query are then neighbours, and fill their tiles.
#include "registry/component.h"

struct sliding {
    int64_t window, dilation, dilated_heads;
};

static const struct option options[] = {
    {"window", OPTION_INT, offsetof(struct sliding, window), .fallback = "64", .min = 1, .max = 1 << 30, .unit = "keys",
     .help = "keys a query sees, itself included"},
    {"dilation", OPTION_INT, offsetof(struct sliding, dilation), .fallback = "1", .min = 1, .max = 1 << 30, .unit = "positions",
     .help = "distance between two visible keys"},
    {"dilated_heads", OPTION_INT, offsetof(struct sliding, dilated_heads), .fallback = "1024", .min = 0, .max = 1024,
     .unit = "heads", .help = "heads with the dilation, from the first on; the others have 1; more than there are: all"},
    {0},
};

static int64_t dilation_of(const struct sliding *sliding, int64_t head)
{
    return head < sliding->dilated_heads ? sliding->dilation : 1;
}

static int64_t same_as(const void *self, int64_t head)
{
    const struct sliding *sliding = self;
    return head < sliding->dilated_heads || sliding->dilation == 1 ? 0 : sliding->dilated_heads;
}

// 0, dilation, 2 dilation, ..., 1, 1 + dilation, ...
static void order(const struct attention_view *view, int32_t *places)
{
    int64_t dilation = dilation_of(view->options, view->head);
    for (int64_t residue = 0, i = 0; residue < dilation && i < view->time; residue++)
        for (int64_t position = residue; position < view->time; position += dilation)
            places[i++] = (int32_t)position;
}

// One step in a residue is one place; position / dilation steps lie before a query, and as many behind as fit.
static void spans(const struct attention_view *view, int64_t place, int64_t position, struct span_list *keys)
{
    const struct sliding *sliding = view->options;
    int64_t dilation = dilation_of(sliding, view->head), reach = sliding->window - 1;
    int64_t before = position / dilation, behind = view->causal ? 0 : (view->time - 1 - position) / dilation;
    span_list_add(keys, place - (reach < before ? reach : before), place + (reach < behind ? reach : behind) + 1);
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
    .attention = {.pattern = {.same_as = same_as, .order = order, .spans = spans}},
};
