// products.h: the matrix products of a model alone: the rate that a training step is measured against.
//
// Warm, on random data, in the run's own way (gemm.h) with weights packed beforehand, on all threads. Called by train_bench.
#ifndef BENCH_PRODUCTS_H
#define BENCH_PRODUCTS_H

#include "tensor/graph.h"
#include "tensor/threads.h"

struct products;
// The forward product and the gradients' of every linear node of the graph, over `rows` rows; operands of each member's own.
struct products *products_open(const struct graph *graph, int64_t rows, int members, struct error *error);
void products_close(struct products *products);
// FLOP/s of all members together over `repeats` rounds.
double products_rate(struct products *products, struct team *team, int repeats);
// Of one round of one member.
double products_flops(const struct products *products);

#endif
