// longformer.c: a sliding window, and some global positions that all see and that see all.
//
// Query i sees key j when j <= i and (i-j < window or j < globals); with model.causal: false, when |i-j| < window, j < globals
// or i < globals. With projections=separate the rows i < globals have projections of their own, q_global_proj, k_global_proj
// and v_global_proj, for themselves and all they see; other rows never use them. The cost of a token does not depend on the
// length. Beltagy et al. 2020, arXiv 2004.05150, section 3.1.
//
// Refuses projections=separate without a global position: those projections would never be used.
#include "registry/component.h"

extern const struct component attention_longformer;

struct longformer {
    int64_t window, globals;
    int projections;
};
enum projections { SHARED, SEPARATE };
static const char *const projections[] = {"shared", "separate", NULL};

static const struct option options[] = {
    {"window", OPTION_INT, offsetof(struct longformer, window), .fallback = "64", .min = 1, .max = 1 << 30, .unit = "keys",
     .help = "keys a query sees on its own side, itself included"},
    {"globals", OPTION_INT, offsetof(struct longformer, globals), .fallback = "1", .min = 0, .max = 1 << 30,
     .unit = "positions", .help = "positions, from the first on, that every later query sees, and every one without causal"},
    {"projections", OPTION_CHOICE, offsetof(struct longformer, projections), .fallback = "shared", .choices = projections,
     .help = "whether global queries, and the keys and values they see, are projected by weights of their own"},
    {0},
};

static void spans(const struct attention_view *view, int64_t place, int64_t position, struct span_list *keys)
{
    (void)place;
    const struct longformer *longformer = view->options;
    int64_t end = view->causal ? position + 1 : view->time, globals = longformer->globals;
    int64_t ahead = position + longformer->window;
    if (position < globals) {
        span_list_add(keys, 0, end);
        return;
    }
    span_list_add(keys, 0, globals);
    span_list_add(keys, position - (longformer->window - 1), ahead < end ? ahead : end);
}

// The two halves of `spans`: the rows below `globals`, and the others. Each leaves the rows of the other at 0.
static void global_spans(const struct attention_view *view, int64_t place, int64_t position, struct span_list *keys)
{
    const struct longformer *longformer = view->options;
    if (position < longformer->globals)
        spans(view, place, position, keys);
}
static void local_spans(const struct attention_view *view, int64_t place, int64_t position, struct span_list *keys)
{
    const struct longformer *longformer = view->options;
    if (position >= longformer->globals)
        spans(view, place, position, keys);
}
static const struct attention_pattern global_rows = {.spans = global_spans, .may_see_nothing = true};
static const struct attention_pattern local_rows = {.spans = local_spans, .may_see_nothing = true};

static struct tensor *build(const struct block *block, const void *self, struct tensor *x)
{
    const struct longformer *longformer = self;
    const struct component *component = &attention_longformer;
    if (longformer->projections == SHARED)
        return block_standard_attention(block, component, self, x);
    struct tensor *local = block_attend(block, component, self, &local_rows, "", x);
    struct tensor *global = block_attend(block, component, self, &global_rows, "_global", x);
    struct tensor *mixed = op_add(block->graph, local, global);
    return block_linear(block, mixed, "self_attn.o_proj", ROLE_BRANCH_OUT, block->model->d_model);
}

static bool accepts(const void *self, const struct run *run, struct error *error)
{
    (void)run;
    const struct longformer *longformer = self;
    return longformer->projections == SHARED || longformer->globals > 0 ||
           error_request(error, "attention: longformer(globals=0, projections=separate): no position would use the separate "
                                "projections; set globals to 1 or more, or leave projections=shared");
}

const struct component attention_longformer = {
    .slot = SLOT_ATTENTION,
    .name = "longformer",
    .version = 1,
    .summary = "a sliding window, and `globals` first positions that all see and that see all",
    .source = "arXiv 2004.05150, section 3.1",
    .options = options,
    .options_size = sizeof(struct longformer),
    .complexity = COMPLEXITY_N,
    .accepts = accepts,
    .attention = {.pattern = {.spans = spans}, .build = build},
};
