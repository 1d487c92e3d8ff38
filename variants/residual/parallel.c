// parallel.c: x += attn(n) + ffn(n) with one norm n = norm(x) for both branches. GPT-J; PaLM, Chowdhery et al. 2022.
#include "registry/component.h"

static struct stream open(const struct block *block, struct tensor *x)
{
    (void)block;
    return (struct stream){.a = x};
}

static struct stream layer(const struct block *block, struct stream stream)
{
    struct tensor *normed = block_norm(block, stream.a, "input_layernorm");
    struct tensor *x = op_add(block->graph, stream.a, block_attention(block, normed));
    return (struct stream){.a = op_add(block->graph, x, block_ffn(block, normed))};
}

static struct tensor *close(const struct block *block, struct stream stream) { return block_norm(block, stream.a, "norm"); }

const struct component residual_parallel = {
    .slot = SLOT_RESIDUAL,
    .name = "parallel",
    .version = 1,
    .summary = "both branches start from one norm and join one sum",
    .source = "arXiv 2204.02311, section 2",
    .residual = {.open = open, .layer = layer, .close = close},
};
