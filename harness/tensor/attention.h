// attention.h: who sees whom, and the schedule of tiles that one kernel, forward and backward, works through.
//
// A component gives a pattern: for every query the exact keys it sees, as ranges. attention_schedule_open turns it, once, at
// planning, into tiles of queries and keys. Positions are cut into tiles in an order of the component's choice: place p of a
// pass holds position order[p]. Tiles that nothing sees are not in the schedule, tiles that everything sees carry no mask, the
// others a bit per pair; equal tiles in a row are one entry, so that making and keeping a schedule takes time and memory in
// proportion to the length, not to the pairs. Every block of keys in a tile says which queries of the tile need it, so that a
// diagonal costs what it shows and not the square around it.
#ifndef TENSOR_ATTENTION_H
#define TENSOR_ATTENTION_H

#include <stdbool.h>
#include <stdint.h>

#include "tensor/graph.h"

enum {
    ATTENTION_QUERY_TILE = 32,   // queries of a tile: the lanes of its vectors, and the bits of a mask word
    ATTENTION_KEY_TILE = 64,     // keys of a tile: the rows of its scores
    ATTENTION_KEY_BLOCK = 8,     // keys that are multiplied together, or skipped together
    ATTENTION_LANE_GRANULE = 16, // queries that are multiplied together, or skipped together
    ATTENTION_KEY_BLOCKS = ATTENTION_KEY_TILE / ATTENTION_KEY_BLOCK,
};

struct span_list {
    struct span *spans;
    int64_t count, capacity;
};
// Clipped at 0; empty spans are dropped.
void span_list_add(struct span_list *list, int64_t begin, int64_t end);

// What a pattern is asked about: one pass over the sequence, for one head.
struct attention_view {
    const void *options;
    int64_t time, head;
    int pass;
    bool causal; // model.causal
};
// The pairs of one attention layer. Pure functions of the component's options and the view.
struct attention_pattern {
    int passes; // 0 means one; passes continue one running (max, sum, output) and must not show a pair twice
    // The first head that sees what this one sees; NULL: all heads see the same.
    int64_t (*same_as)(const void *options, int64_t head);
    // Order in which positions are cut into tiles: `order[i]` is the position at place i. NULL: 0, 1, 2, ...
    void (*order)(const struct attention_view *view, int32_t *order);
    // Exactly the keys that the query `position`, at place `place`, sees in this pass: ranges of places (positions, when there
    // is no order), in any order; they may overlap or end behind the sequence.
    void (*spans)(const struct attention_view *view, int64_t place, int64_t position, struct span_list *keys);
    // A query that sees nothing gets an output of 0. Otherwise it is refused: an average over nothing has no value.
    bool may_see_nothing;
};

// Queries [query_begin, + ATTENTION_QUERY_TILE) against keys [key_begin, + ATTENTION_KEY_TILE), in places, and then against the
// next keys, `repeats` times in all; both begin at multiples of their sizes, so that what a query adds up, and in which order,
// does not depend on how long the sequence is.
struct attention_tile {
    int32_t query_begin, key_begin, repeats;
    int32_t mask; // -1: all pairs visible; else the mask's first word in masks: uint32_t[ATTENTION_KEY_TILE], bit = query
    // For each block of keys, the queries of the tile that see one of them; empty: the block is skipped.
    struct {
        uint8_t begin, end;
    } lanes[ATTENTION_KEY_BLOCKS];
};
// One way through the sequence, for the heads that are the same as `head`.
struct attention_pass {
    int64_t head;
    int number;          // among the passes of these heads, from 0
    int32_t *order;      // [time]: place -> position
    int64_t *first_tile; // [query_tiles + 1]: the tiles of one query tile
};
// What a schedule is made for.
struct attention_layout {
    int64_t time, n_head;
    bool causal;
};
struct attention_schedule {
    const struct attention_pattern *pattern; // where it came from
    const void *options;
    int64_t time, n_head;
    bool causal;
    int64_t *same_as; // [n_head]
    struct attention_pass *passes;
    int pass_count;
    struct attention_tile *tiles; // sorted by (pass, query_begin, key_begin)
    int64_t query_tiles, tile_count;
    uint32_t *masks;
    int64_t visited_pairs, visible_pairs; // of all heads; visited: what blocks multiply, in granules of lanes
};
// Allocated in `arena`; `pattern` and `options` must outlive it. Fails when a query sees nothing, an order is not a permutation
// or a pair is shown twice (mistakes of the component).
bool attention_schedule_open(struct attention_schedule *schedule, const struct attention_pattern *pattern, const void *options,
                             const struct attention_layout *layout, struct arena *arena, struct error *error);
// Fills the tile's lanes from the words of its mask. Returns the pairs that the kernel multiplies.
int64_t attention_tile_lanes(struct attention_tile *tile, const uint32_t *mask);
static inline bool attention_serves(const struct attention_schedule *schedule, const struct attention_pass *pass, int64_t head)
{
    return schedule->same_as[head] == pass->head;
}
// [time, time]: whether query i of the head sees key j, asked from the pattern and not from tiles; and whether the kernel
// multiplies the pair.
bool *attention_visible(const struct attention_schedule *schedule, int64_t head, struct arena *arena);
bool *attention_visited(const struct attention_schedule *schedule, int64_t head, struct arena *arena);

// The attributes of op_attention. Scores: scale q.k, then the soft cap, then alibi's slope times distance, then the mask.
struct attention {
    int64_t n_head, kv_heads, head_dim;
    const struct attention_schedule *schedule;
    double softcap;        // 0: none
    const double *slopes;  // alibi: [n_head], NULL: none
    const struct lsh *lsh; // attention_lsh.h: hashes decide, and the schedule holds no tiles; NULL: the schedule is all
    bool explicit_scores;  // the reference: one n x n matrix of scores per head, for tests
    bool *const *visible;  // and what it knows of the pattern: [n_head], each as attention_visible gives it
};

// The two ops behind op_attention. Both save the log-sum-exp of every (row, head) for backward.
extern const struct op attention_tiled, attention_explicit;
// What both refuse, and the output and saved rows of both.
bool attention_plan(struct graph *graph, struct node *node, struct error *error);
struct cost attention_cost(const struct node *node, int64_t sequences, int64_t time);

#endif
