// postnorm.c: x = norm(x + attn(x)); x = norm(x + ffn(x)); none before the head. The first Transformer, Vaswani et al. 2017.
#include "registry/component.h"

static struct stream open(const struct block *block, struct tensor *x)
{
    (void)block;
    return (struct stream){.a = x};
}

static struct stream layer(const struct block *block, struct stream stream)
{
    struct tensor *x = stream.a;
    x = block_norm(block, op_add(block->graph, x, block_attention(block, x)), "input_layernorm");
    x = block_norm(block, op_add(block->graph, x, block_ffn(block, x)), "post_attention_layernorm");
    return (struct stream){.a = x};
}

static struct tensor *close(const struct block *block, struct stream stream)
{
    (void)block;
    return stream.a;
}

const struct component residual_postnorm = {
    .slot = SLOT_RESIDUAL,
    .name = "postnorm",
    .version = 1,
    .summary = "norms after each sum, none before the head",
    .source = "arXiv 1706.03762, section 3.1",
    .residual = {.open = open, .layer = layer, .close = close},
};
