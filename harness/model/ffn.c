// ffn.c: the two shapes of feed-forward layers, plain and gated, and their one pair of options.
#include <math.h>

#include "registry/component.h"

enum { D_FF_STEP = 8 }; // a width that comes from a ratio is rounded to a multiple of this

const struct option ffn_plain_options[] = {
    {"ratio", OPTION_REAL, offsetof(struct ffn_width, ratio), .fallback = "4", .min = 0.01, .max = 1024,
     .help = "inner width over d_model, where d_ff is not given"},
    {"d_ff", OPTION_INT, offsetof(struct ffn_width, d_ff), .fallback = "0", .min = 0, .max = 1 << 20, .unit = "columns",
     .help = "inner width; 0 takes ratio * d_model, rounded to a multiple of 8"},
    {0},
};
// Two thirds of the plain ratio: three matrices then hold as many parameters as two. Shazeer 2020, section 3.
const struct option ffn_gated_options[] = {
    {"ratio", OPTION_REAL, offsetof(struct ffn_width, ratio), .fallback = "8/3", .min = 0.01, .max = 1024,
     .help = "inner width over d_model, where d_ff is not given"},
    {"d_ff", OPTION_INT, offsetof(struct ffn_width, d_ff), .fallback = "0", .min = 0, .max = 1 << 20, .unit = "columns",
     .help = "inner width; 0 takes ratio * d_model, rounded to a multiple of 8"},
    {0},
};

static bool gives_one_width(const struct ffn_width *width, const struct option *ratio, struct error *error)
{
    if (width->d_ff && !option_is_default(ratio, width))
        return error_request(error, "ffn: d_ff=%lld is given, so ratio=%.4g would be ignored; give one of them",
                             (long long)width->d_ff, width->ratio);
    return true;
}

bool ffn_plain_accepts(const void *width, const struct run *run, struct error *error)
{
    (void)run;
    return gives_one_width(width, &ffn_plain_options[0], error);
}

bool ffn_gated_accepts(const void *width, const struct run *run, struct error *error)
{
    (void)run;
    return gives_one_width(width, &ffn_gated_options[0], error);
}

static int64_t inner_width(const struct ffn_width *width, int64_t d_model)
{
    if (width->d_ff)
        return width->d_ff;
    int64_t steps = llround(width->ratio * (double)d_model / D_FF_STEP);
    return D_FF_STEP * (steps > 1 ? steps : 1);
}

struct tensor *ffn_plain(const struct block *block, const struct ffn_width *width, struct tensor *x,
                         struct tensor *(*activation)(struct graph *, struct tensor *))
{
    int64_t d_model = block->model->d_model;
    struct tensor *inner = block_linear(block, x, "mlp.up_proj", ROLE_MATRIX, inner_width(width, d_model));
    return block_linear(block, activation ? activation(block->graph, inner) : inner, "mlp.down_proj", ROLE_BRANCH_OUT, d_model);
}

struct tensor *ffn_gated(const struct block *block, const struct ffn_width *width, struct tensor *x,
                         struct tensor *(*activation)(struct graph *, struct tensor *))
{
    int64_t d_model = block->model->d_model, d_ff = inner_width(width, d_model);
    struct tensor *gate = block_linear(block, x, "mlp.gate_proj", ROLE_MATRIX, d_ff);
    struct tensor *up = block_linear(block, x, "mlp.up_proj", ROLE_MATRIX, d_ff);
    struct tensor *inner = op_multiply(block->graph, activation ? activation(block->graph, gate) : gate, up);
    return block_linear(block, inner, "mlp.down_proj", ROLE_BRANCH_OUT, d_model);
}
