// attention.c: the attention op: softmax over tiles of scores, forward and backward, without an n x n matrix.
//
// Forward keeps a running (max, sum, output) per query and saves the log-sum-exp; backward rebuilds the probabilities from it
// (FlashAttention 2, arXiv 2307.08691, algorithms 1 and 2). The schedule says which tiles are visited and what is masked in them;
// masked pairs are exact zeros, so nothing that a query does not see changes a bit of its result. Sums run in the order of
// (pass, query tile, key), fixed by the schedule: a sequence gives the same bits alone and in a batch. Components reach it through
// op_attention alone, which takes the explicit reference instead where attention->explicit_scores says so.
#ifndef REAL

#include "tensor/attention.h"
#include "tensor/lane.h"
#include "tensor/ops.h"
#include "tensor/vector_math.h"

#include <float.h>
#include <string.h>

#ifdef __AVX512F__
enum { VECTOR_BYTES = 64, MULTIPLY_ROWS = 8 }; // 8 x 2 sums of 32 registers
#else
enum { VECTOR_BYTES = 32, MULTIPLY_ROWS = 4 }; // 4 x 2 sums of 16 registers
#endif
enum { WIDTH_MULTIPLE = 16 }; // of a packed row: whole vectors of either REAL

#define ALWAYS_INLINE __attribute__((always_inline))
#define LOG2_E        1.4426950408889634074
#define LN_2          0.69314718055994530942

// The workspace of one call. Packed rows are head_dim wide, zero-padded to `width`; "transposed" is [width][query tile].
enum buffer {
    KEY,
    VALUE,
    KEY_GRADIENT,
    VALUE_GRADIENT, // [places][width] of one head, in the order of the pass
    KEY_POSITION,   // [places]
    QUERY_ROWS,
    OUTPUT_GRADIENT_ROWS, // [query tile][width]; queries are scaled
    QUERY,
    OUTPUT_GRADIENT, // transposed
    OUTPUT,          // transposed; backward: the queries' gradient
    SCORES,
    SCORE_GRADIENTS,
    CAPPED, // [key tile][query tile]; capped: tanh of the scores
    BUFFER_COUNT,
};

static int64_t padded_width(const struct attention *attention)
{
    return (attention->head_dim + WIDTH_MULTIPLE - 1) / WIDTH_MULTIPLE * WIDTH_MULTIPLE;
}

static size_t buffer_elements(const struct attention *attention, enum buffer buffer)
{
    size_t width = (size_t)padded_width(attention);
    size_t places = ((size_t)attention->schedule->time + ATTENTION_KEY_TILE - 1) / ATTENTION_KEY_TILE * ATTENTION_KEY_TILE;
    if (buffer <= VALUE_GRADIENT)
        return places * width;
    if (buffer == KEY_POSITION)
        return places;
    return buffer < SCORES ? ATTENTION_QUERY_TILE * width : ATTENTION_KEY_TILE * ATTENTION_QUERY_TILE;
}

static bool plan_tiled(struct graph *graph, struct node *node, struct error *error)
{
    if (!attention_plan(graph, node, error))
        return false;
    size_t elements = 0;
    for (enum buffer buffer = 0; buffer < BUFFER_COUNT; buffer++)
        elements += buffer_elements(node->attributes, buffer);
    node->workspace = elements * real_size(graph->real);
    return true;
}

// Rows [key, key + keys) of a tile's scores, in `columns` vectors from `column`: what some query there sees.
struct run {
    int key, keys, column, columns;
};
enum { RUNS_MAX = ATTENTION_KEY_BLOCKS * ATTENTION_QUERY_TILE / 8 };

// Consecutive blocks of keys that need the same vectors become one run. A run lies within one pair of vectors.
static int tile_runs(const struct attention_tile *tile, int lanes, struct run *runs)
{
    int count = 0;
    for (int pair = 0; pair < ATTENTION_QUERY_TILE / lanes; pair += 2)
        for (int block = 0, previous = -1; block < ATTENTION_KEY_BLOCKS; block++) {
            int begin = tile->lanes[block].begin / lanes, end = (tile->lanes[block].end + lanes - 1) / lanes;
            begin = begin > pair ? begin : pair;
            end = end < pair + 2 ? end : pair + 2;
            if (begin >= end || tile->lanes[block].begin == tile->lanes[block].end)
                continue;
            struct run *last = runs + count - 1;
            if (previous == block - 1 && previous >= 0 && last->column == begin && last->columns == end - begin)
                last->keys += ATTENTION_KEY_BLOCK;
            else
                runs[count++] = (struct run){block * ATTENTION_KEY_BLOCK, ATTENTION_KEY_BLOCK, begin, end - begin};
            previous = block;
        }
    return count;
}

#define KERNELS "tensor/ops/attention.c"
#include "tensor/twice.h"

const struct op attention_tiled = {
    .name = "attention",
    .rows = OP_ROWS_SEQUENCE,
    .keeps = OP_KEEPS_INPUT_0 | OP_KEEPS_INPUT_1 | OP_KEEPS_INPUT_2 | OP_KEEPS_OUTPUT_0,
    .attributes_size = sizeof(struct attention),
    .plan = plan_tiled,
    .cost = attention_cost,
    .kernels = {[REAL_FLOAT] = &kernels_float, [REAL_DOUBLE] = &kernels_double},
};

struct tensor *op_attention(struct graph *graph, struct tensor *query, struct tensor *key, struct tensor *value,
                            const struct attention *attention)
{
    struct tensor *inputs[] = {query, key, value};
    return graph_op(graph, attention->explicit_scores ? &attention_explicit : &attention_tiled, attention, inputs, 3);
}

#else

#include "tensor/ops/attention_tile.h"

#define TILE   ATTENTION_QUERY_TILE
#define LOWEST ((REAL)(REAL_IS_FLOAT ? -FLT_MAX : -DBL_MAX))

// One call: the buffers, and the query tile at hand.
struct NAME(work) {
    const struct attention *attention;
    const struct attention_schedule *schedule;
    REAL *buffers[BUFFER_COUNT];
    int64_t width, rows; // of a packed row; head_dim in whole blocks
    REAL factor;         // what packed queries are multiplied by
    REAL cap;            // the soft cap, in bits (scores are kept in units of log 2)
    // Of the sequence, pass and query tile at hand. Queries are lanes: vector `c` holds lanes [c LANES, (c + 1) LANES).
    int64_t first_row;    // of the sequence
    const int32_t *order; // of the pass
    int64_t query_begin, query_count;
    VECTOR max[COLUMNS], sum[COLUMNS];     // forward
    VECTOR log_sum[COLUMNS], dot[COLUMNS]; // backward: log-sum-exp in bits, rowsum(dO * O)
    VECTOR slope[COLUMNS], position[COLUMNS];
    bool sloped;
    struct run runs[RUNS_MAX];
    int run_count;
};

static void NAME(work_open)(struct NAME(work) * work, const struct node *node, const struct lane *lane)
{
    const struct attention *attention = node->attributes;
    double scale = 1.0 / sqrt((double)attention->head_dim);
    *work = (struct NAME(work)){
        .attention = attention,
        .schedule = attention->schedule,
        .width = padded_width(attention),
        .rows = (attention->head_dim + ATTENTION_KEY_BLOCK - 1) / ATTENTION_KEY_BLOCK * ATTENTION_KEY_BLOCK,
        .factor = (REAL)(attention->softcap > 0 ? scale / attention->softcap : scale * LOG2_E),
        .cap = (REAL)(attention->softcap * LOG2_E),
        .sloped = attention->slopes != NULL,
    };
    REAL *next = (REAL *)lane->workspace;
    for (enum buffer buffer = 0; buffer < BUFFER_COUNT; buffer++) {
        work->buffers[buffer] = next;
        next += buffer_elements(attention, buffer);
    }
}

// ---- Between the tensors' rows and packed ones ----------------------------------------------------------------------------

// Columns [column, column + head_dim) of the rows at places [begin, begin + count), times factor; zeros up to `padded` rows.
static void NAME(pack)(const struct NAME(work) * work, const REAL *from, int64_t from_width, int64_t column, int64_t begin,
                       int64_t count, int64_t padded, REAL factor, REAL *to)
{
    int64_t head_dim = work->attention->head_dim;
    for (int64_t i = 0; i < padded; i++, to += work->width) {
        int64_t filled = i < count ? head_dim : 0;
        if (filled) {
            const REAL *row = from + (work->first_row + work->order[begin + i]) * from_width + column;
            for (int64_t d = 0; d < head_dim; d++)
                to[d] = row[d] * factor;
        }
        for (int64_t d = filled; d < work->width; d++)
            to[d] = 0;
    }
}

static void NAME(unpack)(const struct NAME(work) * work, const REAL *from, int64_t begin, int64_t count, REAL factor, bool add,
                         REAL *to, int64_t to_width, int64_t column)
{
    int64_t head_dim = work->attention->head_dim;
    for (int64_t i = 0; i < count; i++, from += work->width) {
        REAL *row = to + (work->first_row + work->order[begin + i]) * to_width + column;
        if (add)
            for (int64_t d = 0; d < head_dim; d++)
                row[d] += from[d] * factor;
        else
            for (int64_t d = 0; d < head_dim; d++)
                row[d] = from[d] * factor;
    }
}

// Keys and values of one head, for all places of the pass.
static void NAME(pack_keys)(struct NAME(work) * work, const struct node *node, const struct lane *lane, int64_t kv_head)
{
    const struct attention *attention = work->attention;
    int64_t time = work->schedule->time, kv_width = attention->kv_heads * attention->head_dim;
    int64_t padded = (time + ATTENTION_KEY_TILE - 1) / ATTENTION_KEY_TILE * ATTENTION_KEY_TILE;
    int64_t column = kv_head * attention->head_dim;
    NAME(pack)(work, lane_input(node, 1, lane), kv_width, column, 0, time, padded, 1, work->buffers[KEY]);
    NAME(pack)(work, lane_input(node, 2, lane), kv_width, column, 0, time, padded, 1, work->buffers[VALUE]);
    if (work->sloped)
        for (int64_t i = 0; i < padded; i++)
            work->buffers[KEY_POSITION][i] = i < time ? (REAL)work->order[i] : 0;
}

// The queries of a tile, scaled, as rows and transposed.
static void NAME(pack_queries)(struct NAME(work) * work, const struct node *node, const struct lane *lane, int64_t head,
                               int64_t tile)
{
    const struct attention *attention = work->attention;
    int64_t left = work->schedule->time - tile * TILE;
    work->query_begin = tile * TILE;
    work->query_count = left < TILE ? left : TILE;
    NAME(pack)
    (work, lane_input(node, 0, lane), attention->n_head * attention->head_dim, head * attention->head_dim, work->query_begin,
     work->query_count, TILE, work->factor, work->buffers[QUERY_ROWS]);
    NAME(transpose)(work->buffers[QUERY_ROWS], TILE, work->width, work->buffers[QUERY]);
    if (!work->sloped)
        return;
    REAL positions[TILE] __attribute__((aligned(VECTOR_BYTES))) = {0};
    for (int64_t i = 0; i < work->query_count; i++)
        positions[i] = (REAL)work->order[work->query_begin + i];
    for (int c = 0; c < COLUMNS; c++) {
        work->position[c] = NAME(load)(positions + c * LANES);
        work->slope[c] = NAME(splat)((REAL)(attention->slopes[head] * LOG2_E));
    }
}

// The saved log-sum-exps of the tile's queries, in bits; 0 behind the end.
static void NAME(read_log_sums)(const struct NAME(work) * work, const REAL *saved, int64_t head, REAL *log_sums)
{
    for (int64_t i = 0; i < TILE; i++)
        log_sums[i] =
            i < work->query_count
                ? saved[(work->first_row + work->order[work->query_begin + i]) * work->attention->n_head + head] * (REAL)LOG2_E
                : 0;
}

// ---- Scores of a tile ----------------------------------------------------------------------------------------------------

// result [keys][TILE] = rows [keys][width] transposed [width][TILE], where some query sees the key.
static void NAME(multiply_runs)(const struct NAME(work) * work, const REAL *rows, const REAL *transposed, REAL *result)
{
    for (const struct run *run = work->runs; run < work->runs + work->run_count; run++)
        for (int key = run->key; key < run->key + run->keys; key += ATTENTION_KEY_BLOCK)
            NAME(multiply_block)
            (run->columns, false, work->attention->head_dim, rows + key * work->width, work->width, 1,
             transposed + run->column * LANES, TILE, result + key * TILE + run->column * LANES, TILE);
}

// sum [width][TILE] += rows' [width][keys] scores [keys][TILE].
static void NAME(add_weighted_rows)(const struct NAME(work) * work, const REAL *rows, const REAL *scores, REAL *sum)
{
    for (const struct run *run = work->runs; run < work->runs + work->run_count; run++)
        for (int64_t d = 0; d < work->rows; d += ATTENTION_KEY_BLOCK)
            NAME(multiply_block)
            (run->columns, true, run->keys, rows + run->key * work->width + d, 1, work->width,
             scores + run->key * TILE + run->column * LANES, TILE, sum + d * TILE + run->column * LANES, TILE);
}

// sum [keys][width] += scores [keys][TILE] rows [TILE][width].
static void NAME(add_to_keys)(const struct NAME(work) * work, const struct attention_tile *tile, const REAL *scores,
                              const REAL *rows, REAL *sum)
{
    for (int block = 0; block < ATTENTION_KEY_BLOCKS; block++) {
        int begin = tile->lanes[block].begin, end = tile->lanes[block].end, key = block * ATTENTION_KEY_BLOCK;
        for (int64_t d = 0; d < work->width && begin < end; d += 2 * LANES)
            NAME(multiply_block)
            (work->width - d > LANES ? 2 : 1, true, end - begin, scores + key * TILE + begin, TILE, 1,
             rows + begin * work->width + d, work->width, sum + key * work->width + d, work->width);
    }
}

// Soft cap, then alibi, on scores that still lack their cap.
static void NAME(modify)(const struct NAME(work) * work, int64_t key_begin)
{
    const bool capped = work->cap > 0;
    for (const struct run *run = work->runs; run < work->runs + work->run_count; run++)
        for (int key = run->key; key < run->key + run->keys; key++)
            for (int c = run->column; c < run->column + run->columns; c++) {
                int64_t at = key * TILE + c * LANES;
                VECTOR score = NAME(load)(work->buffers[SCORES] + at);
                if (capped) {
                    score = NAME(tanh)(score);
                    NAME(store)(work->buffers[CAPPED] + at, score);
                    score *= work->cap;
                }
                if (work->sloped) {
                    VECTOR distance = work->position[c] - work->buffers[KEY_POSITION][key_begin + key];
                    score -= work->slope[c] * (NAME(select)(distance < 0, -distance, distance));
                }
                NAME(store)(work->buffers[SCORES] + at, score);
            }
}

static void NAME(score_tile)(struct NAME(work) * work, const struct attention_tile *tile)
{
    work->run_count = tile_runs(tile, LANES, work->runs);
    NAME(multiply_runs)(work, work->buffers[KEY] + tile->key_begin * work->width, work->buffers[QUERY], work->buffers[SCORES]);
    if (work->cap > 0 || work->sloped)
        NAME(modify)(work, tile->key_begin);
}

// ---- Forward --------------------------------------------------------------------------------------------------------------

// The largest visible score of each query so far. What nothing sees may be anything, NaN included.
ALWAYS_INLINE static inline void NAME(raise_max)(const int columns, const struct run *run, const uint32_t *mask,
                                                 const REAL *scores, VECTOR *max)
{
    VECTOR highest[2] = {max[run->column], max[run->column + columns - 1]};
    for (int key = run->key; key < run->key + run->keys; key++)
#pragma GCC unroll 2
        for (int c = 0; c < columns; c++) {
            VECTOR score = NAME(load)(scores + key * TILE + (run->column + c) * LANES);
            if (mask)
                score = NAME(select)(NAME(visible)(mask[key], run->column + c), score, NAME(splat)(LOWEST));
            highest[c] = NAME(select)(score > highest[c], score, highest[c]);
        }
#pragma GCC unroll 2
    for (int c = 0; c < columns; c++)
        max[run->column + c] = highest[c];
}

// Scores become probabilities over the running sum's scale; masked ones exact zeros.
ALWAYS_INLINE static inline void NAME(exponentiate)(const int columns, const struct run *run, const uint32_t *mask,
                                                    const VECTOR *max, REAL *scores, VECTOR *sum)
{
    VECTOR highest[2] = {max[run->column], max[run->column + columns - 1]};
    VECTOR total[2] = {sum[run->column], sum[run->column + columns - 1]};
    for (int key = run->key; key < run->key + run->keys; key++)
#pragma GCC unroll 2
        for (int c = 0; c < columns; c++) {
            REAL *at = scores + key * TILE + (run->column + c) * LANES;
            VECTOR probability = NAME(exp2)(NAME(load)(at) - highest[c]);
            if (mask)
                probability = NAME(keep)(NAME(visible)(mask[key], run->column + c), probability);
            NAME(store)(at, probability);
            total[c] += probability;
        }
#pragma GCC unroll 2
    for (int c = 0; c < columns; c++)
        sum[run->column + c] = total[c];
}

// A higher maximum shrinks what was summed up before it.
static void NAME(rescale)(struct NAME(work) * work, const VECTOR *before)
{
    VECTOR shrink[COLUMNS];
    bool same = true;
    for (int c = 0; c < COLUMNS; c++) {
        shrink[c] = NAME(exp2)(before[c] - work->max[c]);
        work->sum[c] *= shrink[c];
        for (int i = 0; i < LANES; i++)
            same = same && shrink[c][i] == 1;
    }
    for (REAL *row = work->buffers[OUTPUT]; !same && row < work->buffers[OUTPUT] + work->rows * TILE; row += TILE)
        for (int c = 0; c < COLUMNS; c++)
            NAME(store)(row + c * LANES, NAME(load)(row + c * LANES) * shrink[c]);
}

static void NAME(forward_tile)(struct NAME(work) * work, const struct attention_tile *tile)
{
    const uint32_t *mask = tile->mask < 0 ? NULL : work->schedule->masks + tile->mask;
    const struct run *end = work->runs;
    REAL *scores = work->buffers[SCORES];
    VECTOR before[COLUMNS];
    NAME(score_tile)(work, tile);
    end += work->run_count;
    memcpy(before, work->max, sizeof before);
    for (const struct run *run = work->runs; run < end; run++)
        if (run->columns == 2 && !mask)
            NAME(raise_max)(2, run, NULL, scores, work->max);
        else if (run->columns == 2)
            NAME(raise_max)(2, run, mask, scores, work->max);
        else
            NAME(raise_max)(1, run, mask, scores, work->max);
    NAME(rescale)(work, before);
    for (const struct run *run = work->runs; run < end; run++)
        if (run->columns == 2 && !mask)
            NAME(exponentiate)(2, run, NULL, work->max, scores, work->sum);
        else if (run->columns == 2)
            NAME(exponentiate)(2, run, mask, work->max, scores, work->sum);
        else
            NAME(exponentiate)(1, run, mask, work->max, scores, work->sum);
    NAME(add_weighted_rows)(work, work->buffers[VALUE] + tile->key_begin * work->width, scores, work->buffers[OUTPUT]);
}

// The running state: nothing yet, or what earlier passes left in the output and the log-sum-exps.
static void NAME(start_queries)(struct NAME(work) * work, const REAL *output, const REAL *saved, int64_t head, int pass)
{
    const struct attention *attention = work->attention;
    REAL log_sums[TILE] __attribute__((aligned(VECTOR_BYTES)));
    if (pass == 0) {
        memset(work->buffers[OUTPUT], 0, (size_t)(work->width * TILE) * sizeof(REAL));
        for (int c = 0; c < COLUMNS; c++) {
            work->max[c] = NAME(splat)(LOWEST);
            work->sum[c] = (VECTOR){0};
        }
        return;
    }
    NAME(pack)
    (work, output, attention->n_head * attention->head_dim, head * attention->head_dim, work->query_begin, work->query_count,
     TILE, 1, work->buffers[QUERY_ROWS]);
    NAME(transpose)(work->buffers[QUERY_ROWS], TILE, work->width, work->buffers[OUTPUT]);
    NAME(read_log_sums)(work, saved, head, log_sums);
    for (int c = 0; c < COLUMNS; c++) {
        VECTOR log_sum = NAME(load)(log_sums + c * LANES);
        work->max[c] = NAME(select)(log_sum > LOWEST, log_sum, NAME(splat)(LOWEST));
        work->sum[c] = NAME(keep)(log_sum > LOWEST, NAME(splat)(1));
    }
}

// output = sum of weighted values / sum of weights; log-sum-exp = max + log(sum). -infinity: the query saw nothing so far.
static void NAME(finish_queries)(struct NAME(work) * work, REAL *output, REAL *saved, int64_t head)
{
    const struct attention *attention = work->attention;
    REAL sums[TILE] __attribute__((aligned(VECTOR_BYTES))), maxima[TILE] __attribute__((aligned(VECTOR_BYTES)));
    for (int c = 0; c < COLUMNS; c++) {
        NAME(store)(sums + c * LANES, work->sum[c]);
        NAME(store)(maxima + c * LANES, work->max[c]);
    }
    for (int64_t i = 0; i < work->query_count; i++)
        saved[(work->first_row + work->order[work->query_begin + i]) * attention->n_head + head] =
            (REAL)((double)maxima[i] * LN_2 + log((double)sums[i]));
    for (REAL *row = work->buffers[OUTPUT]; row < work->buffers[OUTPUT] + work->rows * TILE; row += TILE)
        for (int c = 0; c < COLUMNS; c++)
            NAME(store)
            (row + c * LANES, NAME(load)(row + c * LANES) / NAME(select)(work->sum[c] == 0, NAME(splat)(1), work->sum[c]));
    NAME(transpose)(work->buffers[OUTPUT], work->width, TILE, work->buffers[QUERY_ROWS]);
    NAME(unpack)
    (work, work->buffers[QUERY_ROWS], work->query_begin, work->query_count, 1, false, output,
     attention->n_head * attention->head_dim, head * attention->head_dim);
}

static void NAME(forward_head)(struct NAME(work) * work, const struct node *node, const struct lane *lane, int64_t head,
                               int pass)
{
    const struct attention_schedule *schedule = work->schedule;
    REAL *output = lane_output(node, 0, lane), *saved = lane_saved(node, lane);
    for (int64_t tile = 0; tile < schedule->query_tiles; tile++) {
        const int64_t *first = schedule->first_tile + pass * schedule->query_tiles + tile;
        NAME(pack_queries)(work, node, lane, head, tile);
        NAME(start_queries)(work, output, saved, head, pass);
        for (int64_t i = first[0]; i < first[1]; i++)
            NAME(forward_tile)(work, schedule->tiles + i);
        NAME(finish_queries)(work, output, saved, head);
    }
}

static void NAME(forward)(const struct node *node, struct span rows, struct lane *lane)
{
    struct NAME(work) work;
    NAME(work_open)(&work, node, lane);
    const struct attention *attention = work.attention;
    int64_t group = attention->n_head / attention->kv_heads, time = work.schedule->time;
    for (work.first_row = rows.begin; work.first_row < rows.end; work.first_row += time)
        for (int64_t kv_head = 0; kv_head < attention->kv_heads; kv_head++)
            for (int pass = 0; pass < work.schedule->passes; pass++) {
                work.order = work.schedule->order + pass * time;
                NAME(pack_keys)(&work, node, lane, kv_head);
                for (int64_t head = kv_head * group; head < (kv_head + 1) * group; head++)
                    NAME(forward_head)(&work, node, lane, head, pass);
            }
    lane->counted_flops += attention_cost(node, (rows.end - rows.begin) / time, time).product_flops;
}

// ---- Backward -------------------------------------------------------------------------------------------------------------

// P = exp(score - log-sum-exp); dS = P (dP - rowsum(dO O)), through the soft cap's derivative 1 - tanh^2.
ALWAYS_INLINE static inline void NAME(differentiate)(const int columns, const struct NAME(work) * work, const struct run *run,
                                                     const uint32_t *mask)
{
    const bool capped = work->cap > 0;
    VECTOR log_sum[2] = {work->log_sum[run->column], work->log_sum[run->column + columns - 1]};
    VECTOR dot[2] = {work->dot[run->column], work->dot[run->column + columns - 1]};
    for (int key = run->key; key < run->key + run->keys; key++)
#pragma GCC unroll 2
        for (int c = 0; c < columns; c++) {
            int64_t at = key * TILE + (run->column + c) * LANES;
            VECTOR probability = NAME(exp2)(NAME(load)(work->buffers[SCORES] + at) - log_sum[c]);
            VECTOR gradient = probability * (NAME(load)(work->buffers[SCORE_GRADIENTS] + at) - dot[c]);
            if (capped) {
                VECTOR tangent = NAME(load)(work->buffers[CAPPED] + at);
                gradient *= 1 - tangent * tangent;
            }
            if (mask) {
                NAME(lanes) visible = NAME(visible)(mask[key], run->column + c);
                probability = NAME(keep)(visible, probability);
                gradient = NAME(keep)(visible, gradient);
            }
            NAME(store)(work->buffers[SCORES] + at, probability);
            NAME(store)(work->buffers[SCORE_GRADIENTS] + at, gradient);
        }
}

static void NAME(backward_tile)(struct NAME(work) * work, const struct attention_tile *tile)
{
    const uint32_t *mask = tile->mask < 0 ? NULL : work->schedule->masks + tile->mask;
    REAL *const *buffers = work->buffers;
    int64_t keys = tile->key_begin * work->width;
    NAME(score_tile)(work, tile);
    NAME(multiply_runs)(work, buffers[VALUE] + keys, buffers[OUTPUT_GRADIENT], buffers[SCORE_GRADIENTS]);
    for (const struct run *run = work->runs; run < work->runs + work->run_count; run++)
        if (run->columns == 2 && !mask)
            NAME(differentiate)(2, work, run, NULL);
        else if (run->columns == 2)
            NAME(differentiate)(2, work, run, mask);
        else
            NAME(differentiate)(1, work, run, mask);
    NAME(add_to_keys)(work, tile, buffers[SCORES], buffers[OUTPUT_GRADIENT_ROWS], buffers[VALUE_GRADIENT] + keys);
    NAME(add_to_keys)(work, tile, buffers[SCORE_GRADIENTS], buffers[QUERY_ROWS], buffers[KEY_GRADIENT] + keys);
    NAME(add_weighted_rows)(work, buffers[KEY] + keys, buffers[SCORE_GRADIENTS], buffers[OUTPUT]);
}

// The output's gradient as rows and transposed, rowsum(dO O) and the log-sum-exps of the tile's queries; their gradient is 0.
static void NAME(pack_output_gradient)(struct NAME(work) * work, const struct node *node, const struct lane *lane, int64_t head)
{
    const struct attention *attention = work->attention;
    int64_t width = attention->n_head * attention->head_dim, column = head * attention->head_dim;
    REAL *const *buffers = work->buffers;
    REAL log_sums[TILE] __attribute__((aligned(VECTOR_BYTES)));
    // The output's rows pass through the place of the gradient's rows, its transpose through that of the queries' gradient.
    NAME(pack)
    (work, lane_output(node, 0, lane), width, column, work->query_begin, work->query_count, TILE, 1,
     buffers[OUTPUT_GRADIENT_ROWS]);
    NAME(transpose)(buffers[OUTPUT_GRADIENT_ROWS], TILE, work->width, buffers[OUTPUT]);
    NAME(pack)
    (work, lane_output_gradient(node, 0, lane), width, column, work->query_begin, work->query_count, TILE, 1,
     buffers[OUTPUT_GRADIENT_ROWS]);
    NAME(transpose)(buffers[OUTPUT_GRADIENT_ROWS], TILE, work->width, buffers[OUTPUT_GRADIENT]);
    NAME(read_log_sums)(work, lane_saved(node, lane), head, log_sums);
    for (int c = 0; c < COLUMNS; c++) {
        work->log_sum[c] = NAME(load)(log_sums + c * LANES);
        work->dot[c] = (VECTOR){0};
        for (int64_t at = c * LANES; at < work->rows * TILE; at += TILE)
            work->dot[c] += NAME(load)(buffers[OUTPUT] + at) * NAME(load)(buffers[OUTPUT_GRADIENT] + at);
    }
    memset(buffers[OUTPUT], 0, (size_t)(work->width * TILE) * sizeof(REAL));
}

static void NAME(backward_head)(struct NAME(work) * work, const struct node *node, const struct lane *lane, int64_t head,
                                int pass)
{
    const struct attention_schedule *schedule = work->schedule;
    const struct attention *attention = work->attention;
    REAL *gradient = lane_input_gradient(node, 0, lane);
    REAL scale = (REAL)(1.0 / sqrt((double)attention->head_dim));
    for (int64_t tile = 0; tile < schedule->query_tiles; tile++) {
        const int64_t *first = schedule->first_tile + pass * schedule->query_tiles + tile;
        NAME(pack_queries)(work, node, lane, head, tile);
        NAME(pack_output_gradient)(work, node, lane, head);
        for (int64_t i = first[0]; i < first[1]; i++)
            NAME(backward_tile)(work, schedule->tiles + i);
        if (!gradient)
            continue;
        NAME(transpose)(work->buffers[OUTPUT], work->width, TILE, work->buffers[QUERY_ROWS]);
        NAME(unpack)
        (work, work->buffers[QUERY_ROWS], work->query_begin, work->query_count, scale,
         pass > 0 || lane_accumulates(node, 0, lane), gradient, attention->n_head * attention->head_dim,
         head * attention->head_dim);
    }
}

// One kv head in one pass: its query heads in order, then its own gradients.
static void NAME(backward_group)(struct NAME(work) * work, const struct node *node, const struct lane *lane, int64_t kv_head,
                                 int pass)
{
    const struct attention *attention = work->attention;
    int64_t group = attention->n_head / attention->kv_heads, width = attention->kv_heads * attention->head_dim;
    REAL *key_gradient = lane_input_gradient(node, 1, lane), *value_gradient = lane_input_gradient(node, 2, lane);
    NAME(pack_keys)(work, node, lane, kv_head);
    memset(work->buffers[KEY_GRADIENT], 0, buffer_elements(attention, KEY_GRADIENT) * sizeof(REAL));
    memset(work->buffers[VALUE_GRADIENT], 0, buffer_elements(attention, VALUE_GRADIENT) * sizeof(REAL));
    for (int64_t head = kv_head * group; head < (kv_head + 1) * group; head++)
        NAME(backward_head)(work, node, lane, head, pass);
    // Packed queries carried `factor`, of which a part belongs to the units of the scores and not to the gradient.
    REAL unit = (REAL)(attention->softcap > 0 ? attention->softcap : LN_2);
    if (key_gradient)
        NAME(unpack)
        (work, work->buffers[KEY_GRADIENT], 0, work->schedule->time, unit, pass > 0 || lane_accumulates(node, 1, lane),
         key_gradient, width, kv_head * attention->head_dim);
    if (value_gradient)
        NAME(unpack)
        (work, work->buffers[VALUE_GRADIENT], 0, work->schedule->time, 1, pass > 0 || lane_accumulates(node, 2, lane),
         value_gradient, width, kv_head * attention->head_dim);
}

static void NAME(backward)(const struct node *node, struct span rows, struct lane *lane)
{
    struct NAME(work) work;
    NAME(work_open)(&work, node, lane);
    int64_t time = work.schedule->time;
    for (work.first_row = rows.begin; work.first_row < rows.end; work.first_row += time)
        for (int64_t kv_head = 0; kv_head < work.attention->kv_heads; kv_head++)
            for (int pass = 0; pass < work.schedule->passes; pass++) {
                work.order = work.schedule->order + pass * time;
                NAME(backward_group)(&work, node, lane, kv_head, pass);
            }
    lane->counted_flops += attention_cost(node, (rows.end - rows.begin) / time, time).backward_product_flops;
}

static const struct kernels NAME(kernels) = {.forward = NAME(forward), .backward = NAME(backward)};

#undef TILE
#undef LOWEST
#undef VECTOR
#undef LANES
#undef COLUMNS
#undef EXP2_CUT

#endif
