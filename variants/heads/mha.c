// mha.c: multi-head attention: every query head has keys and values of its own. Vaswani et al. 2017, arXiv 1706.03762.
#include "registry/component.h"

static int64_t kv_heads(const void *options, const struct model_scalars *model)
{
    (void)options;
    return model->n_head;
}

const struct component heads_mha = {
    .slot = SLOT_HEADS,
    .name = "mha",
    .version = 1,
    .summary = "every query head has keys and values of its own",
    .source = "arXiv 1706.03762, section 3.2.2",
    .heads = {.kv_heads = kv_heads},
};
