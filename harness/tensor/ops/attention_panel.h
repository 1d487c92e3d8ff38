// attention_panel.h: the vectors that attention multiplies, and which of them a tile of scores needs.
//
// A schedule names, for each block of keys, the queries that see one of them. Products want long runs of the same shape: a
// panel is such a run. Included by attention.c alone.
#ifndef TENSOR_OPS_ATTENTION_PANEL_H
#define TENSOR_OPS_ATTENTION_PANEL_H

#include "tensor/attention.h"
#include "tensor/ops/attention_bf16.h"

#if defined __AVX512F__
enum { VECTOR_BYTES = 64, MULTIPLY_ROWS = 8 }; // 8 x 2 sums of 32 registers
#elif defined __AVX__
enum { VECTOR_BYTES = 32, MULTIPLY_ROWS = 6 }; // 6 x 2 sums of 16 registers
#else
enum { VECTOR_BYTES = 16, MULTIPLY_ROWS = 4 };
#endif

// Rows [key, key + keys) of a tile's scores, in `columns` vectors from `column`: what some query there sees.
struct panel {
    int key, keys, column, columns;
};
enum { PANELS_MAX = ATTENTION_KEY_BLOCKS * ATTENTION_QUERY_TILE * 8 / (2 * VECTOR_BYTES) }; // of pairs of doubles' vectors

// Consecutive blocks of keys that need the same vectors become one panel. A panel lies within one pair of vectors.
static inline int tile_panels(const struct attention_tile *tile, int lanes, struct panel *panels)
{
    int count = 0;
    for (int pair = 0; pair < ATTENTION_QUERY_TILE / lanes; pair += 2)
        for (int block = 0, previous = -1; block < ATTENTION_KEY_BLOCKS; block++) {
            int begin = tile->lanes[block].begin / lanes, end = (tile->lanes[block].end + lanes - 1) / lanes;
            begin = begin > pair ? begin : pair;
            end = end < pair + 2 ? end : pair + 2;
            if (begin >= end || tile->lanes[block].begin == tile->lanes[block].end)
                continue;
            struct panel *last = panels + count - 1;
            if (previous == block - 1 && previous >= 0 && last->column == begin && last->columns == end - begin)
                last->keys += ATTENTION_KEY_BLOCK;
            else
                panels[count++] = (struct panel){block * ATTENTION_KEY_BLOCK, ATTENTION_KEY_BLOCK, begin, end - begin};
            previous = block;
        }
    return count;
}

// For the units: blocks of BF16_BLOCK keys for all queries of the tile, one panel where both are neighbours.
static inline int unit_panels(const struct attention_tile *tile, int lanes, struct panel *panels)
{
    enum { BLOCKS = BF16_BLOCK / ATTENTION_KEY_BLOCK };
    int count = 0;
    for (int key = 0; key < ATTENTION_KEY_TILE; key += BF16_BLOCK) {
        bool seen = false;
        for (int block = key / ATTENTION_KEY_BLOCK; block < key / ATTENTION_KEY_BLOCK + BLOCKS; block++)
            seen = seen || tile->lanes[block].begin < tile->lanes[block].end;
        if (seen && count > 0)
            panels[count - 1].keys += BF16_BLOCK;
        else if (seen)
            panels[count++] = (struct panel){key, BF16_BLOCK, 0, ATTENTION_QUERY_TILE / lanes};
    }
    return count;
}

#endif
