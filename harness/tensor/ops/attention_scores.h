// attention_scores.h: what happens between one tile of queries and one of keys, forward and backward.
//
// Scores, probabilities and their gradients are [keys][TILE]; only the runs of the tile (attention.c) hold anything. Included by
// attention.c once for each REAL; deliberately without an include guard.

// result [keys][TILE] = rows [keys][width] transposed [width][TILE], where some query sees the key.
static void NAME(multiply_runs)(WORK *work, const REAL *rows, const REAL *transposed, REAL *result)
{
    for (const struct run *run = work->runs; run < work->runs + work->run_count; run++)
        for (int key = run->key; key < run->key + run->keys; key += ATTENTION_KEY_BLOCK) {
            PRODUCT scores = {.a = rows + key * work->width,
                              .a_row = work->width,
                              .a_step = 1,
                              .b = transposed + run->column * LANES,
                              .b_step = TILE,
                              .c = result + key * TILE + run->column * LANES,
                              .c_row = TILE};
            NAME(multiply_block)(scores, run->columns, work->attention->head_dim, false);
            NAME(fetch)(work);
        }
}

// sum [width][TILE] += rows' [width][keys] scores [keys][TILE].
static void NAME(add_weighted_rows)(WORK *work, const REAL *rows, const REAL *scores, REAL *sum)
{
    for (const struct run *run = work->runs; run < work->runs + work->run_count; run++)
        for (int64_t d = 0; d < work->rows; d += ATTENTION_KEY_BLOCK) {
            PRODUCT weighted = {.a = rows + run->key * work->width + d,
                                .a_row = 1,
                                .a_step = work->width,
                                .b = scores + run->key * TILE + run->column * LANES,
                                .b_step = TILE,
                                .c = sum + d * TILE + run->column * LANES,
                                .c_row = TILE};
            NAME(multiply_block)(weighted, run->columns, run->keys, true);
            NAME(fetch)(work);
        }
}

// sum [keys][width] += scores [keys][TILE] rows [TILE][width].
static void NAME(add_to_keys)(WORK *work, const struct attention_tile *tile, const REAL *scores, const REAL *rows, REAL *sum)
{
    for (int block = 0; block < ATTENTION_KEY_BLOCKS; block++) {
        int begin = tile->lanes[block].begin, end = tile->lanes[block].end, key = block * ATTENTION_KEY_BLOCK;
        for (int64_t d = 0; d < work->width && begin < end; d += 2 * LANES) {
            PRODUCT weighted = {.a = scores + key * TILE + begin,
                                .a_row = TILE,
                                .a_step = 1,
                                .b = rows + begin * work->width + d,
                                .b_step = work->width,
                                .c = sum + key * work->width + d,
                                .c_row = work->width};
            NAME(multiply_block)(weighted, work->width - d > LANES ? 2 : 1, end - begin, true);
            NAME(fetch)(work);
        }
    }
}

// Soft cap, then alibi, on scores that still lack their cap.
static void NAME(modify)(const WORK *work, int64_t key_begin)
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

static void NAME(score_tile)(WORK *work, const struct attention_tile *tile)
{
    work->run_count = tile_runs(tile, LANES, work->runs);
    NAME(multiply_runs)(work, work->buffers[KEY] + tile->key_begin * work->width, work->buffers[QUERY], work->buffers[SCORES]);
    if (work->cap > 0 || work->sloped)
        NAME(modify)(work, tile->key_begin);
}

// ---- Forward -----------------------------------------------------------------------------------------------------------------

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
            highest[c] = NAME(max)(score, highest[c]);
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
static void NAME(rescale)(WORK *work, const VECTOR *before)
{
    VECTOR shrink[COLUMNS];
    if (!memcmp(before, work->max, sizeof work->max))
        return;
    for (int c = 0; c < COLUMNS; c++) {
        shrink[c] = NAME(exp2)(before[c] - work->max[c]);
        work->sum[c] *= shrink[c];
    }
    for (REAL *row = work->buffers[OUTPUT]; !work->fresh && row < work->buffers[OUTPUT] + work->rows * TILE; row += TILE)
#pragma GCC unroll 2
        for (int c = 0; c < COLUMNS; c++)
            NAME(store)(row + c * LANES, NAME(load)(row + c * LANES) * shrink[c]);
}

static void NAME(forward_tile)(WORK *work, const struct attention_tile *tile)
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
    work->fresh = false;
}

// ---- Backward ----------------------------------------------------------------------------------------------------------------

// P = exp(score - log-sum-exp); dS = P (dP - rowsum(dO O)), through the soft cap's derivative 1 - tanh^2.
ALWAYS_INLINE static inline void NAME(differentiate)(const int columns, const WORK *work, const struct run *run,
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

static void NAME(backward_tile)(WORK *work, const struct attention_tile *tile)
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
