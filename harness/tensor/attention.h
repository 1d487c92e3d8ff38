// attention.h: who sees whom, and the schedule of tiles that one kernel, forward and backward, works through.
//
// A component gives a pattern. attention_schedule_open turns it, once, at planning, into tiles of queries and keys. Positions are
// cut into tiles in an order of the component's choice: place p of pass s holds position order[s * time + p]. Tiles that nothing
// sees are not in the schedule, tiles that everything sees carry no mask, the others a bit per pair; and every block of keys in a
// tile says which queries of the tile need it, so that a diagonal costs what it shows and not the square around it.
#ifndef TENSOR_ATTENTION_H
#define TENSOR_ATTENTION_H

#include <stdbool.h>
#include <stdint.h>

#include "tensor/graph.h"

enum {
    SPAN_LIST_MAX = 64,
    ATTENTION_QUERY_TILE = 32, // queries of a tile: the lanes of its vectors, and the bits of a mask word
    ATTENTION_KEY_TILE = 64,   // keys of a tile: the rows of its scores
    ATTENTION_KEY_BLOCK = 8,   // keys that are multiplied together, or skipped together
    ATTENTION_KEY_BLOCKS = ATTENTION_KEY_TILE / ATTENTION_KEY_BLOCK,
};

struct span_list {
    struct span spans[SPAN_LIST_MAX];
    int count;
};
// Clipped at 0; empty spans are dropped. A full list widens its last span: a range too wide costs time, never correctness.
void span_list_add(struct span_list *list, int64_t begin, int64_t end);

// The pairs of one attention layer. Pure functions of the component's options and the positions.
struct attention_pattern {
    int passes; // 0 means one; passes continue one running (max, sum, output) and must not show a pair twice
    // Order in which positions are cut into tiles: `order[i]` is the position at place i. NULL: 0, 1, 2, ...
    void (*order)(const void *options, int pass, int64_t time, int32_t *order);
    // Ranges of places (positions, when there is no order) that hold every key some query of the range `queries` sees.
    void (*spans)(const void *options, int pass, struct span queries, int64_t time, struct span_list *keys);
    // Whether the query at position `query` sees the key at position `key`, in this pass.
    bool (*sees)(const void *options, int pass, int64_t query, int64_t key);
};

// Queries [query_begin, + ATTENTION_QUERY_TILE) against keys [key_begin, + ATTENTION_KEY_TILE), in places; both begin at multiples
// of their sizes, so that what a query adds up, and in which order, does not depend on how long the sequence is.
struct attention_tile {
    int32_t query_begin, key_begin;
    int64_t mask; // -1: all pairs visible; else index of uint32_t[ATTENTION_KEY_TILE] in masks, bit = query
    // For each block of keys, the queries of the tile that see one of them; empty: the block is skipped.
    struct {
        uint8_t begin, end;
    } lanes[ATTENTION_KEY_BLOCKS];
};
struct attention_schedule {
    const struct attention_pattern *pattern; // where it came from: the reference op asks it pair by pair
    const void *options;
    int64_t time;
    int passes;
    int32_t *order;               // [passes, time]: place -> position
    struct attention_tile *tiles; // sorted by (pass, query_begin, key_begin)
    int64_t *first_tile;          // [passes * query_tiles + 1]: the tiles of one query tile
    int64_t query_tiles, tile_count;
    uint32_t *masks;
    int64_t visited_pairs, visible_pairs; // of one head; visited: what blocks multiply, in lanes of 16
};
// Allocated in `arena`; `pattern` and `options` must outlive it. Fails when a query sees nothing, an order is not a permutation or
// a pair is shown twice (mistakes of the component).
bool attention_schedule_open(struct attention_schedule *schedule, const struct attention_pattern *pattern, const void *options,
                             int64_t time, struct arena *arena, struct error *error);

// The attributes of op_attention. Scores: scale q.k, then the soft cap, then alibi's slope times distance, then the mask.
struct attention {
    int64_t n_head, kv_heads, head_dim;
    const struct attention_schedule *schedule;
    double softcap;       // 0: none
    const double *slopes; // alibi: [n_head], NULL: none
    bool explicit_scores; // the reference: one n x n matrix of scores per head, for tests
};

// The two ops behind op_attention. Both save the log-sum-exp of every (row, head) for backward.
extern const struct op attention_tiled, attention_explicit;
// What both refuse, and the output and saved rows of both.
bool attention_plan(struct graph *graph, struct node *node, struct error *error);
struct cost attention_cost(const struct node *node, int64_t sequences, int64_t time);

#endif
