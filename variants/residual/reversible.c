// reversible.c: a += attn(norm(b)); b += ffn(norm(a)); the head sees norm((a + b) / 2). Gomez et al. 2017; Kitaev et al. 2020.
//
// b = b' - ffn(norm(a')) and then a = a' - attn(norm(b)) give a layer's input back from its output, so that training keeps no
// activations of any layer but the last output: memory does not grow with depth, for about one more forward pass.
#include "registry/component.h"

static struct stream open(const struct block *block, struct tensor *x)
{
    (void)block;
    return (struct stream){.a = x, .b = x};
}

static struct stream layer(const struct block *block, struct stream stream)
{
    struct tensor *a = op_add(block->graph, stream.a, block_attention(block, block_norm(block, stream.b, "input_layernorm")));
    struct tensor *b = op_add(block->graph, stream.b, block_ffn(block, block_norm(block, a, "post_attention_layernorm")));
    return (struct stream){a, b};
}

static struct tensor *close(const struct block *block, struct stream stream)
{
    return block_norm(block, op_average(block->graph, stream.a, stream.b), "norm");
}

static bool accepts(const void *options, const struct run *run, struct error *error)
{
    (void)options;
    if (run->slots[SLOT_PRECISION].choices[0].component->precision.products == GEMM_BF16X3)
        return error_request(
            error, "residual: reversible rebuilds activations to fp32's rounding, and bf16x3 would round them elsewhere "
                   "than before: gradients would miss its precision; take precision: fp32 or bf16");
    return run->train.recompute == RECOMPUTE_NONE ||
           error_request(error,
                         "residual: reversible keeps no activations of its layers, so train.recompute has nothing to save; "
                         "set train.recompute: none");
}

const struct component residual_reversible = {
    .slot = SLOT_RESIDUAL,
    .name = "reversible",
    .version = 1,
    .summary = "two streams, each changed by a branch of the other; activations are rebuilt from outputs",
    .source = "arXiv 1707.04585; arXiv 2001.04451, section 3",
    .accepts = accepts,
    .residual = {.open = open, .layer = layer, .close = close, .reversible = true},
};
