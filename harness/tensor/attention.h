// attention.h: who sees whom, and the schedule of tiles that one kernel, forward and backward, works through.
//
// A component gives a pattern. attention_schedule_open turns it, once, at planning, into tiles of queries and keys: tiles that
// nothing sees are not in it, tiles that everything sees carry no mask, the others a bit per pair.
#ifndef TENSOR_ATTENTION_H
#define TENSOR_ATTENTION_H

#include <stdbool.h>
#include <stdint.h>

#include "tensor/graph.h"

enum { SPAN_LIST_MAX = 64, ATTENTION_QUERY_TILE = 64, ATTENTION_KEY_TILE = 64 };

struct span_list {
    struct span spans[SPAN_LIST_MAX];
    int count;
};
void span_list_add(struct span_list *list, int64_t begin, int64_t end);   // clipped at 0; empty spans are dropped

// The pairs of one attention layer. Pure functions of the component's options and the positions.
struct attention_pattern {
    int passes;   // 0 means one; passes continue one running (max, sum, output) and must not show a pair twice
    // Order in which positions are cut into tiles: `order[i]` is the position at place i. NULL: 0, 1, 2, ...
    void (*order)(const void *options, int pass, int64_t time, int32_t *order);
    // Ranges of places (positions, when there is no order) that hold every key some query of the range `queries` sees.
    void (*spans)(const void *options, int pass, struct span queries, int64_t time, struct span_list *keys);
    // Whether the query at position `query` sees the key at position `key`, in this pass.
    bool (*sees)(const void *options, int pass, int64_t query, int64_t key);
};

struct attention_tile {
    int32_t query_begin, key_begin;      // places
    int32_t query_count, key_count;
    int64_t mask;                        // -1: all pairs visible; else index of uint64_t[query_count] rows of bits, bit = key
};
struct attention_schedule {
    int64_t time;
    int passes;
    int32_t *order;                      // [passes, time]: place -> position
    struct attention_tile *tiles;        // sorted by (pass, query_begin, key_begin)
    int64_t *first_tile;                 // [passes, query tiles + 1]: the tiles of one query tile
    int64_t *by_key, *first_by_key;      // the same tiles sorted by (pass, key_begin), for gradients of keys and values
    int64_t query_tiles, key_tiles, tile_count;
    uint64_t *masks;
    int64_t visited_pairs, visible_pairs;   // of one head
};
// Allocated in `arena`. Fails when a query sees nothing or a pair is shown twice (a mistake of the component).
bool attention_schedule_open(struct attention_schedule *schedule, const struct attention_pattern *pattern, const void *options,
                             int64_t time, struct arena *arena, struct error *error);

// The attributes of op_attention. Scores: scale q.k, then the soft cap, then alibi's slope times distance, then the mask.
struct attention {
    int64_t n_head, kv_heads, head_dim;
    const struct attention_schedule *schedule;
    double softcap;        // 0: none
    const double *slopes;  // alibi: [n_head], NULL: none
    bool explicit_scores;  // the reference: one n x n matrix of scores per head, for tests
};

#endif
