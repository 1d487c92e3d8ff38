// ops.h: the pieces that components compose. Each adds one node and returns its first output; shapes are [rows, width].
//
// NULL in, NULL out: trouble is kept in the graph (see graph.h).
#ifndef TENSOR_OPS_H
#define TENSOR_OPS_H

#include "tensor/attention.h"
#include "tensor/attention_lsh.h"
#include "tensor/graph.h"

// y[row] = table[index[row]]; table [count, width], index an int32 input.
struct tensor *op_embedding(struct graph *graph, struct tensor *index, struct tensor *table);
// y = x W^T + b; x [rows, in], weight [out, in], bias [out] or NULL.
struct tensor *op_linear(struct graph *graph, struct tensor *x, struct tensor *weight, struct tensor *bias);
// The same for queries and keys, whose products are exponentiated: in GEMM_BF16X3 y is computed from operands as they are.
struct tensor *op_linear_of_scores(struct graph *graph, struct tensor *x, struct tensor *weight, struct tensor *bias);
// y = x as the graph's products keep their operands: one tensor for all that ask; x itself where nothing is rounded.
struct tensor *op_rounded(struct graph *graph, struct tensor *x);
// How a linear node computes y: the graph's way, or REAL for op_linear_of_scores.
struct gemm_way op_linear_forward_way(const struct node *node);
// y = x + f
struct tensor *op_add(struct graph *graph, struct tensor *x, struct tensor *f);
// y = (x + f) / 2
struct tensor *op_average(struct graph *graph, struct tensor *x, struct tensor *f);
// y = x * f, element by element
struct tensor *op_multiply(struct graph *graph, struct tensor *x, struct tensor *f);
// Each group of gain's length is normalised by itself: gain [width] for a block's norm, [head_dim] for qk_norm. bias may be
// NULL.
struct tensor *op_layernorm(struct graph *graph, struct tensor *x, struct tensor *gain, struct tensor *bias, double eps);
struct tensor *op_rmsnorm(struct graph *graph, struct tensor *x, struct tensor *gain, double eps);
struct tensor *op_relu(struct graph *graph, struct tensor *x);  // max(0, x)
struct tensor *op_relu2(struct graph *graph, struct tensor *x); // max(0, x)^2
struct tensor *op_gelu(struct graph *graph, struct tensor *x);  // x Phi(x), the exact erf form
struct tensor *op_silu(struct graph *graph, struct tensor *x);  // x sigmoid(x)
struct tensor *op_sigmoid(struct graph *graph, struct tensor *x);
// y = cap tanh(x / cap)
struct tensor *op_softcap(struct graph *graph, struct tensor *x, double cap);
// y = x with a fraction `rate` of elements zeroed and the rest divided by 1 - rate, in training; `name` keys the mask.
struct tensor *op_dropout(struct graph *graph, struct tensor *x, double rate, const char *name);
// Rotate-half rotary embedding of heads of head_dim (even); angles position * theta^(-2i/head_dim).
struct tensor *op_rope(struct graph *graph, struct tensor *x, struct tensor *positions, int64_t head_dim, double theta);
// x plus sin (even columns) and cos (odd columns) of position / 10000^(2 (column/2) / width).
struct tensor *op_sinusoidal(struct graph *graph, struct tensor *x, struct tensor *positions);
// softmax(scores) v over the pairs the pattern shows; query [rows, n_head head_dim], key and value [rows, kv_heads head_dim].
struct tensor *op_attention(struct graph *graph, struct tensor *query, struct tensor *key, struct tensor *value,
                            const struct attention *attention);
// The same over the pairs that hashes show (attention->lsh); buckets int32 [rows, n_head rounds].
struct tensor *op_hashed_attention(struct graph *graph, struct tensor *query, struct tensor *key, struct tensor *value,
                                   struct tensor *buckets, const struct attention *attention);
// Those buckets: each head of x [rows, n_head head_dim] hashed in each round. Has no gradient.
struct tensor *op_lsh_hash(struct graph *graph, struct tensor *x, struct tensor *rotations, const struct lsh_hash *hash);
// y = x / |x|, each group of `width` numbers by itself; 0 where x is 0.
struct tensor *op_unit(struct graph *graph, struct tensor *x, int64_t width);
// Row losses -log p(target) and log Z; a target of -1 counts for nothing. The root of the backward pass: the gradient of
// sum over rows of loss_weight (loss + z_loss log_z^2).
struct tensor *op_cross_entropy(struct graph *graph, struct tensor *logits, struct tensor *targets, double z_loss,
                                struct tensor **log_z);
// Row by row, 1 where the target's logit is above every other, else 0. Has no gradient.
struct tensor *op_correct(struct graph *graph, struct tensor *logits, struct tensor *targets);

#endif
