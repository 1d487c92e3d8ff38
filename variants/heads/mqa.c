// mqa.c: multi-query attention: all query heads share one head of keys and values. Shazeer 2019, arXiv 1911.02150.
#include "registry/component.h"

static int64_t kv_heads(const void *options, const struct model_scalars *model)
{
    (void)options;
    (void)model;
    return 1;
}

const struct component heads_mqa = {
    .slot = SLOT_HEADS,
    .name = "mqa",
    .version = 1,
    .summary = "all query heads share one head of keys and values",
    .source = "arXiv 1911.02150",
    .heads = {.kv_heads = kv_heads},
};
