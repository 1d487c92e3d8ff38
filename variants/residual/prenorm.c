// prenorm.c: x += attn(norm(x)); x += ffn(norm(x)); a last norm before the head. As in GPT-2; Xiong et al. 2020.
#include "registry/component.h"

static struct stream open(const struct block *block, struct tensor *x)
{
    (void)block;
    return (struct stream){.a = x};
}

static struct stream layer(const struct block *block, struct stream stream)
{
    struct tensor *x = stream.a;
    x = op_add(block->graph, x, block_attention(block, block_norm(block, x, "input_layernorm")));
    x = op_add(block->graph, x, block_ffn(block, block_norm(block, x, "post_attention_layernorm")));
    return (struct stream){.a = x};
}

static struct tensor *close(const struct block *block, struct stream stream) { return block_norm(block, stream.a, "norm"); }

const struct component residual_prenorm = {
    .slot = SLOT_RESIDUAL,
    .name = "prenorm",
    .version = 1,
    .summary = "norms inside the branches, one more before the head",
    .source = "arXiv 2002.04745",
    .residual = {.open = open, .layer = layer, .close = close},
};
