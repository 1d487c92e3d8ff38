// attention_scores.h: what happens between one tile of queries and one of keys, forward and backward.
//
// Scores, probabilities and their gradients are [keys][TILE]; only the panels of the tile (attention.c) hold anything. Work goes
// from block of keys to block of keys, so that each step finds in the cache what the one before left there. Included by
// attention.c once for each REAL; deliberately without an include guard.

// result [block][TILE] = rows [block][width] transposed [width][TILE], in the panel's vectors.
static void NAME(multiply_scores)(WORK *work, const struct panel *panel, const REAL *rows, const REAL *transposed, REAL *result)
{
    PRODUCT scores = {.a = rows,
                      .a_row = work->width,
                      .a_step = 1,
                      .b = transposed + panel->column * LANES,
                      .b_step = TILE,
                      .c = result + panel->column * LANES,
                      .c_row = TILE};
    NAME(multiply_block)(scores, panel->columns, work->attention->head_dim, false);
    NAME(fetch)(work);
}

// sum [width][TILE] += rows' [width][keys] scores [keys][TILE], over all panels.
static void NAME(add_weighted_rows)(WORK *work, const REAL *rows, const REAL *scores, REAL *sum)
{
    for (const struct panel *panel = work->panels; panel < work->panels + work->panel_count; panel++)
        for (int64_t d = 0; d < work->rows; d += ATTENTION_KEY_BLOCK) {
            int64_t column = panel->column * LANES;
            PRODUCT weighted = {.a = rows + panel->key * work->width + d,
                                .a_row = 1,
                                .a_step = work->width,
                                .b = scores + panel->key * TILE + column,
                                .b_step = TILE,
                                .c = sum + d * TILE + column,
                                .c_row = TILE};
            NAME(multiply_block)(weighted, panel->columns, panel->keys, true);
            NAME(fetch)(work);
        }
}

// sum [block][width] += scores [block][TILE] rows [TILE][width], over the queries of `lanes`.
static void NAME(add_to_keys)(WORK *work, struct span lanes, const REAL *scores, const REAL *rows, REAL *sum)
{
    for (int64_t d = 0; d < work->width; d += 2 * LANES) {
        PRODUCT weighted = {.a = scores + lanes.begin,
                            .a_row = TILE,
                            .a_step = 1,
                            .b = rows + lanes.begin * work->width + d,
                            .b_step = work->width,
                            .c = sum + d,
                            .c_row = work->width};
        NAME(multiply_block)(weighted, work->width - d > LANES ? 2 : 1, lanes.end - lanes.begin, true);
        NAME(fetch)(work);
    }
}

// Soft cap, then alibi, on scores that still lack their cap; `place` is that of the block's first key.
static void NAME(modify)(WORK *work, QUERIES *queries, const struct panel *panel, int64_t place, int64_t at)
{
    for (int c = panel->column; c < panel->column + panel->columns; c++)
        for (int64_t key = 0; key < ATTENTION_KEY_BLOCK; key++) {
            int64_t here = at + key * TILE + c * LANES;
            VECTOR score = NAME(load)(work->buffers[SCORES] + here) * work->unit;
            if (work->cap > 0) {
                score = NAME(tanh)(score);
                NAME(store)(work->buffers[CAPPED] + here, score);
                score *= work->cap;
            }
            if (work->sloped) {
                VECTOR distance = queries->position[c] - work->buffers[KEY_POSITION][place + key];
                score -= queries->slope[c] * NAME(select)(distance < 0, -distance, distance);
            }
            NAME(store)(work->buffers[SCORES] + here, score);
        }
}

// The scores of the block that begins with key `key` of the tile; the units have multiplied the whole panel before.
static void NAME(score_block)(WORK *work, QUERIES *queries, const struct attention_tile *tile, const struct panel *panel,
                              int64_t key)
{
    const REAL *rows = work->buffers[KEY] + (tile->key_begin + key) * work->width;
    if (!work->units)
        NAME(multiply_scores)(work, panel, rows, queries->buffers[QUERY], work->buffers[SCORES] + key * TILE);
    if (work->cap > 0 || work->sloped)
        NAME(modify)(work, queries, panel, tile->key_begin + key, key * TILE);
}

// ---- Forward --------------------------------------------------------------------------------------------------------------

// The largest visible score of each query so far. What nothing sees may be anything, NaN included.
static void NAME(raise_max)(const WORK *work, QUERIES *queries, const struct panel *panel, const uint32_t *mask,
                            const REAL *scores)
{
    for (int c = panel->column; c < panel->column + panel->columns; c++) {
        VECTOR max = NAME(splat)(LOWEST);
        for (int key = 0; key < ATTENTION_KEY_BLOCK; key++) {
            VECTOR score = NAME(load)(scores + key * TILE + c * LANES);
            if (mask)
                score = NAME(select)(NAME(visible)(mask[key], c), score, NAME(splat)(LOWEST));
            max = NAME(max)(score, max);
        }
        queries->max[c] = NAME(max)(max * work->exponent, queries->max[c]);
    }
}

// Scores become probabilities in units of the running maximum; masked ones exact zeros. Their sum is of unrounded ones.
static void NAME(exponentiate)(const WORK *work, QUERIES *queries, const struct panel *panel, const uint32_t *mask,
                               REAL *scores)
{
    for (int c = panel->column; c < panel->column + panel->columns; c++) {
        VECTOR max = queries->max[c], sum = queries->sum[c];
        const bool rounded = work->bf16 && !work->units; // they round themselves
        for (int key = 0; key < ATTENTION_KEY_BLOCK; key++) {
            REAL *at = scores + key * TILE + c * LANES;
            VECTOR probability = NAME(exp2)(NAME(load)(at) * work->exponent - max);
            if (mask)
                probability = NAME(keep)(NAME(visible)(mask[key], c), probability);
            NAME(store)(at, rounded ? NAME(round)(probability) : probability);
            sum += probability;
        }
        queries->sum[c] = sum;
    }
}

// A higher maximum shrinks what was summed up before it.
static void NAME(rescale)(WORK *work, QUERIES *queries, const VECTOR *before)
{
    VECTOR shrink[COLUMNS];
    if (!memcmp(before, queries->max, sizeof queries->max))
        return;
    for (int c = 0; c < COLUMNS; c++) {
        shrink[c] = NAME(exp2)(before[c] - queries->max[c]);
        queries->sum[c] *= shrink[c];
    }
    for (REAL *row = queries->buffers[OUTPUT]; !queries->fresh && row < queries->buffers[OUTPUT] + work->rows * TILE;
         row += TILE)
#pragma GCC unroll 2
        for (int c = 0; c < COLUMNS; c++)
            NAME(store)(row + c * LANES, NAME(load)(row + c * LANES) * shrink[c]);
}

static void NAME(forward_tile)(WORK *work, QUERIES *queries, const struct attention_tile *tile)
{
    const uint32_t *mask = tile->mask < 0 ? NULL : work->schedule->masks + tile->mask;
    REAL *scores = work->buffers[SCORES];
    VECTOR before[COLUMNS];
    memcpy(before, queries->max, sizeof before);
    NAME(plan_panels)(work, tile);
    const struct panel *end = work->panels + work->panel_count;
    for (const struct panel *panel = work->panels; panel < end; panel++) {
        if (work->units)
            NAME(score_panel)(work, queries, tile, panel, KEY_ROWS, QUERY_PAIRS, scores);
        for (int key = panel->key; key < panel->key + panel->keys; key += ATTENTION_KEY_BLOCK) {
            NAME(score_block)(work, queries, tile, panel, key);
            NAME(raise_max)(work, queries, panel, mask ? mask + key : NULL, scores + key * TILE);
        }
    }
    NAME(rescale)(work, queries, before);
    for (const struct panel *panel = work->panels; panel < end; panel++)
        for (int key = panel->key; key < panel->key + panel->keys; key += ATTENTION_KEY_BLOCK)
            NAME(exponentiate)(work, queries, panel, mask ? mask + key : NULL, scores + key * TILE);
    if (work->units)
        NAME(add_values)(work, queries, tile);
    else
        NAME(add_weighted_rows)(work, work->buffers[VALUE] + tile->key_begin * work->width, scores, queries->buffers[OUTPUT]);
    queries->fresh = false;
}

// ---- Backward -------------------------------------------------------------------------------------------------------------

// P = exp(score - log-sum-exp); dS = P (dP - rowsum(dO O)), through the soft cap's derivative 1 - tanh^2. `at`: of the block.
static void NAME(differentiate)(const WORK *work, const QUERIES *queries, const struct panel *panel, const uint32_t *mask,
                                int64_t at)
{
    REAL *scores = work->buffers[SCORES] + at, *gradients = work->buffers[SCORE_GRADIENTS] + at;
    const REAL *capped = work->cap > 0 ? work->buffers[CAPPED] + at : NULL;
    for (int c = panel->column; c < panel->column + panel->columns; c++) {
        VECTOR log_sum = queries->log_sum[c], dot = queries->dot[c];
        const bool rounded = work->bf16 && !work->units; // they round themselves
        for (int64_t here = c * LANES, key = 0; key < ATTENTION_KEY_BLOCK; key++, here += TILE) {
            VECTOR probability = NAME(exp2)(NAME(load)(scores + here) * work->exponent - log_sum);
            VECTOR gradient = probability * (NAME(load)(gradients + here) - dot);
            if (capped)
                gradient *= 1 - NAME(load)(capped + here) * NAME(load)(capped + here);
            if (mask) {
                NAME(lanes) visible = NAME(visible)(mask[key], c);
                probability = NAME(keep)(visible, probability);
                gradient = NAME(keep)(visible, gradient);
            }
            NAME(store)(scores + here, rounded ? NAME(round)(probability) : probability);
            NAME(store)(gradients + here, rounded ? NAME(round)(gradient) : gradient);
        }
    }
}

// One block of keys: its probabilities and their gradients, and what they add to the gradients of its values and keys.
static void NAME(backward_block)(WORK *work, QUERIES *queries, const struct attention_tile *tile, const struct panel *panel,
                                 int key)
{
    REAL *const *buffers = work->buffers;
    int64_t row = (tile->key_begin + key) * work->width, at = key * TILE;
    NAME(score_block)(work, queries, tile, panel, key);
    NAME(multiply_scores)(work, panel, buffers[VALUE] + row, queries->buffers[OUTPUT_GRADIENT], buffers[SCORE_GRADIENTS] + at);
    NAME(differentiate)(work, queries, panel, tile->mask < 0 ? NULL : work->schedule->masks + tile->mask + key, at);
    struct span lanes = {tile->lanes[key / ATTENTION_KEY_BLOCK].begin, tile->lanes[key / ATTENTION_KEY_BLOCK].end};
    lanes.begin = lanes.begin > panel->column * LANES ? lanes.begin : panel->column * LANES;
    lanes.end = lanes.end < (panel->column + panel->columns) * LANES ? lanes.end : (panel->column + panel->columns) * LANES;
    NAME(add_to_keys)(work, lanes, buffers[SCORES] + at, queries->buffers[OUTPUT_GRADIENT_ROWS], buffers[VALUE_GRADIENT] + row);
    NAME(add_to_keys)(work, lanes, buffers[SCORE_GRADIENTS] + at, queries->buffers[QUERY_ROWS], buffers[KEY_GRADIENT] + row);
}

// A panel on the units: first all that turns scores into gradients, then all that adds to others.
static void NAME(backward_panel)(WORK *work, QUERIES *queries, const struct attention_tile *tile, const struct panel *panel)
{
    const uint32_t *mask = tile->mask < 0 ? NULL : work->schedule->masks + tile->mask;
    NAME(score_panel)(work, queries, tile, panel, KEY_ROWS, QUERY_PAIRS, work->buffers[SCORES]);
    NAME(score_panel)(work, queries, tile, panel, VALUE_ROWS, OUTPUT_GRADIENT_PAIRS, work->buffers[SCORE_GRADIENTS]);
    for (int key = panel->key; key < panel->key + panel->keys; key += ATTENTION_KEY_BLOCK) {
        NAME(score_block)(work, queries, tile, panel, key);
        NAME(differentiate)(work, queries, panel, mask ? mask + key : NULL, key * TILE);
    }
    NAME(add_gradients)(work, queries, tile, panel);
}

static void NAME(backward_tile)(WORK *work, QUERIES *queries, const struct attention_tile *tile)
{
    NAME(plan_panels)(work, tile);
    for (const struct panel *panel = work->panels; panel < work->panels + work->panel_count; panel++)
        if (work->units)
            NAME(backward_panel)(work, queries, tile, panel);
        else
            for (int key = panel->key; key < panel->key + panel->keys; key += ATTENTION_KEY_BLOCK)
                NAME(backward_block)(work, queries, tile, panel, key);
    if (work->units)
        return;
    const REAL *rows = work->buffers[KEY] + tile->key_begin * work->width;
    NAME(add_weighted_rows)(work, rows, work->buffers[SCORE_GRADIENTS], queries->buffers[OUTPUT]);
}
