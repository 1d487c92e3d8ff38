// gqa.c: grouped-query attention: groups of query heads share keys and values. Ainslie et al. 2023, arXiv 2305.13245.
#include "registry/component.h"

struct gqa {
    int64_t kv_heads;
};

static const struct option options[] = {
    {"kv_heads", OPTION_INT, offsetof(struct gqa, kv_heads), .fallback = "2", .min = 1, .max = 1024, .unit = "heads",
     .help = "heads of keys and values; the query heads are split evenly among them"},
    {0},
};

static int64_t kv_heads(const void *self, const struct model_scalars *model)
{
    (void)model;
    return ((const struct gqa *)self)->kv_heads;
}

static bool accepts(const void *self, const struct run *run, struct error *error)
{
    const struct gqa *gqa = self;
    if (run->model.n_head % gqa->kv_heads)
        return error_request(error, "heads: gqa(kv_heads=%lld) does not divide model.n_head=%lld; choose a divisor",
                             (long long)gqa->kv_heads, (long long)run->model.n_head);
    return true;
}

const struct component heads_gqa = {
    .slot = SLOT_HEADS,
    .name = "gqa",
    .version = 1,
    .summary = "groups of query heads share keys and values",
    .source = "arXiv 2305.13245, section 2.2",
    .options = options,
    .options_size = sizeof(struct gqa),
    .accepts = accepts,
    .heads = {.kv_heads = kv_heads},
};
