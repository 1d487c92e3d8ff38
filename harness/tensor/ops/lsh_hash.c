// lsh_hash.c: which bucket each head of each row falls into, in each round. Andoni et al. 2015, arXiv 1509.02897.
//
// x [rows, n_head head_dim] -> int32 [rows, n_head rounds]: argmax([x R; -x R]) for a rotation R [head_dim, columns]; with two
// factors, the columns hash twice, and the bucket is first * factors[1] + second. A row's buckets depend on that row alone.
// Their cost grows with the columns: T head_dim T / chunk up to LSH_FACTORED buckets, T head_dim times the root of the buckets
// above.
//
// What backward sees must be what forward saw: the buckets are a value of the graph that backward keeps, also where it rebuilds
// all around them (op->kept), since a rounding may change a bucket.
#ifndef REAL

#include <stdlib.h>

#include "base/random.h"
#include "tensor/ops/op.h"

enum { ROWS = 4, COLUMNS = 16 }; // multiplied together, in registers

static int64_t padded_columns(const struct lsh *lsh) { return (lsh_columns(lsh) + COLUMNS - 1) / COLUMNS * COLUMNS; }

static bool plan(struct graph *graph, struct node *node, struct error *error)
{
    const struct lsh_hash *hash = node->attributes;
    int64_t width = hash->n_head * hash->head_dim, columns = lsh_columns(&hash->lsh);
    int64_t elements = hash->n_head * hash->lsh.rounds * hash->head_dim * columns;
    if (node->inputs[0]->width != width || (node->input_count == 2 && node->inputs[1]->width != elements))
        return error_add(error, "rows of %lld numbers and rotations of other heads", (long long)node->inputs[0]->width);
    struct tensor *buckets = graph_output(graph, node, hash->n_head * hash->lsh.rounds);
    buckets->dtype = DTYPE_INT32;
    buckets->wants_gradient = false;
    node->workspace = (size_t)((hash->head_dim + ROWS) * padded_columns(&hash->lsh)) * real_size(graph->real);
    return true;
}

static struct cost cost(const struct node *node, int64_t sequences, int64_t time)
{
    const struct lsh_hash *hash = node->attributes;
    double rows = (double)(sequences * time), hashes = rows * (double)(hash->n_head * hash->lsh.rounds);
    double columns = (double)lsh_columns(&hash->lsh), product = 2 * hashes * columns * (double)hash->head_dim;
    double bytes = OP_NUMBER_BYTES * rows * (double)(node->inputs[0]->width + node->outputs[0]->width);
    return (struct cost){
        .phases[PHASE_FORWARD] = {.flops = product + 2 * hashes * columns, .product_flops = product, .bytes = bytes}};
}

#include "tensor/twice.h"
#include "lsh_hash.c"
#include "tensor/twice.h"
#include "lsh_hash.c"
#include "tensor/twice.h"

static const struct op lsh_hash = {
    .name = "lsh_hash",
    .rows = OP_ROWS_HEADS, // each call draws its heads' rotations: as many rows as there are
    .attributes_size = sizeof(struct lsh_hash),
    .kept = true,
    .plan = plan,
    .cost = cost,
    .kernels = {&kernels_float, &kernels_double},
};

void lsh_hash_rows(const struct lsh_hash *hash, const double *x, int64_t rows, int32_t *buckets)
{
    int64_t rounds = hash->lsh.rounds, hashes = hash->n_head * rounds, width = hash->n_head * hash->head_dim;
    double *rotation = memory_allocate((size_t)(hash->head_dim + ROWS), (size_t)padded_columns(&hash->lsh) * sizeof *rotation);
    for (int64_t i = 0; i < hashes; i++) {
        rotate_double(hash, NULL, 0, i / rounds, i % rounds, rotation);
        hash_rows_double(hash, x + i / rounds * hash->head_dim, width, (struct span){0, rows}, rotation, buckets + i, hashes);
    }
    free(rotation);
}

struct tensor *op_lsh_hash(struct graph *graph, struct tensor *x, struct tensor *rotations, const struct lsh_hash *hash)
{
    return graph_op(graph, &lsh_hash, hash, (struct tensor *const[]){x, rotations}, rotations ? 2 : 1);
}

#else

// rotation [head_dim, padded columns] of one head and round, from `given` (or NULL) where it holds any but zeros, else drawn.
static void NAME(rotate)(const struct lsh_hash *hash, const REAL *given, uint64_t step, int64_t head, int64_t round,
                         REAL *rotation)
{
    int64_t columns = lsh_columns(&hash->lsh), padded = padded_columns(&hash->lsh), elements = hash->head_dim * columns;
    uint64_t key = random_key(hash->seed, hash->name, step);
    uint64_t row = (uint64_t)head << 32 | (uint64_t)round;
    const REAL *rotations = NULL;
    if (given)
        given += (head * hash->lsh.rounds + round) * elements;
    for (int64_t i = 0; given && !rotations && i < elements; i++)
        rotations = given[i] != 0 ? given : NULL;
    for (int64_t d = 0; d < hash->head_dim; d++)
        for (int64_t column = 0; column < padded; column += COLUMNS) {
            double drawn[COLUMNS];
            if (!rotations)
                random_normals(key, row, (uint64_t)d << 32 | (uint64_t)column, COLUMNS, drawn);
            for (int64_t i = column; i < column + COLUMNS; i++)
                rotation[d * padded + i] = i >= columns ? 0 : rotations ? rotations[d * columns + i] : (REAL)drawn[i - column];
        }
}

// rotated [ROWS, padded] = x [ROWS, head_dim] rotation.
static void NAME(multiply)(const REAL *const x[ROWS], int64_t head_dim, const REAL *rotation, int64_t padded, REAL *rotated)
{
    for (int64_t column = 0; column < padded; column += COLUMNS) {
        REAL sum[ROWS][COLUMNS] = {0};
        for (int64_t d = 0; d < head_dim; d++)
#pragma GCC unroll 4
            for (int row = 0; row < ROWS; row++)
#pragma omp simd
                for (int i = 0; i < COLUMNS; i++)
                    sum[row][i] += x[row][d] * rotation[d * padded + column + i];
        for (int row = 0; row < ROWS; row++)
            memcpy(rotated + row * padded + column, sum[row], sizeof sum[row]);
    }
}

// argmax([values; -values]); the first of equals. NaN is never greater.
static int32_t NAME(argmax)(const REAL *values, int64_t count)
{
    int64_t best = 0, sign = 0;
    REAL most = values[0];
    for (int64_t i = 1; i < count; i++)
        if (values[i] > most) {
            most = values[i];
            best = i;
        }
    for (int64_t i = 0; i < count; i++)
        if (-values[i] > most) {
            most = -values[i];
            best = i;
            sign = count;
        }
    return (int32_t)(sign + best);
}

static int32_t NAME(bucket)(const struct lsh *lsh, const REAL *rotated)
{
    int64_t first = lsh->factors[0] / 2, second = lsh->factors[1] / 2;
    int32_t bucket = NAME(argmax)(rotated, first);
    return second ? bucket * (int32_t)lsh->factors[1] + NAME(argmax)(rotated + first, second) : bucket;
}

// Buckets of rows of one head, `width` numbers apart, to every `hashes`-th place.
static void NAME(hash_rows)(const struct lsh_hash *hash, const REAL *head, int64_t width, struct span rows, REAL *rotation,
                            int32_t *buckets, int64_t hashes)
{
    int64_t padded = padded_columns(&hash->lsh);
    REAL *rotated = rotation + hash->head_dim * padded;
    for (int64_t first = rows.begin; first < rows.end; first += ROWS) {
        const REAL *x[ROWS]; // the last row again where there are no more
        for (int64_t row = 0; row < ROWS; row++)
            x[row] = head + (first + row < rows.end ? first + row : rows.end - 1) * width;
        NAME(multiply)(x, hash->head_dim, rotation, padded, rotated);
        for (int64_t row = 0; row < ROWS && first + row < rows.end; row++)
            buckets[(first + row) * hashes] = NAME(bucket)(&hash->lsh, rotated + row * padded);
    }
}

static void NAME(forward)(const struct node *node, struct span rows, struct lane *lane)
{
    const struct lsh_hash *hash = node->attributes;
    const struct lsh *lsh = &hash->lsh;
    int64_t width = node->inputs[0]->width, hashes = hash->n_head * lsh->rounds;
    const REAL *given = node->input_count == 2 ? lane_input(node, 1, lane) : NULL;
    REAL *rotation = (REAL *)lane->workspace;
    const struct span heads = lane_share(lane, hash->n_head);
    for (int64_t i = heads.begin * lsh->rounds; i < heads.end * lsh->rounds; i++) {
        const REAL *head = (const REAL *)lane_input(node, 0, lane) + i / lsh->rounds * hash->head_dim;
        int32_t *buckets = (int32_t *)lane_output(node, 0, lane) + i;
        NAME(rotate)(hash, given, lane->training ? lane->step : 0, i / lsh->rounds, i % lsh->rounds, rotation);
        NAME(hash_rows)(hash, head, width, rows, rotation, buckets, hashes);
    }
    double share = (double)span_count(heads) / (double)hash->n_head;
    lane->counted_flops += share * cost(node, 1, span_count(rows)).phases[PHASE_FORWARD].product_flops;
}

static const struct kernels NAME(kernels) = {.forward = NAME(forward)};

#endif
