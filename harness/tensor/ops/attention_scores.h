// attention_scores.h: what happens between one tile of queries and one of keys, forward and backward.
//
// Scores, probabilities and their gradients are [keys][TILE]; only the panels of the tile (attention.c) hold anything. A tile
// is small enough that each step finds in the cache what the one before left there. Included by attention.c once for each REAL;
// deliberately without an include guard.

// result [keys][TILE] = rows [keys][width] transposed [width][TILE], in the panel's keys and vectors.
static void NAME(multiply_scores)(const WORK *work, const struct panel *panel, const REAL *rows, const REAL *transposed,
                                  REAL *result)
{
    int64_t column = panel->column * LANES;
    PRODUCT scores = {.a = rows + panel->key * work->width,
                      .a_row = work->width,
                      .a_step = 1,
                      .b = transposed + column,
                      .b_step = TILE,
                      .c = result + panel->key * TILE + column,
                      .c_row = TILE};
    NAME(multiply_rows)(scores, panel->keys, panel->columns, work->attention->head_dim, false);
}

// sum [width][TILE] += rows' [width][keys] scores [keys][TILE], over all panels.
static void NAME(add_weighted_rows)(const WORK *work, const REAL *rows, const REAL *scores, REAL *sum)
{
    for (const struct panel *panel = work->panels; panel < work->panels + work->panel_count; panel++) {
        int64_t column = panel->column * LANES;
        PRODUCT weighted = {.a = rows + panel->key * work->width,
                            .a_row = 1,
                            .a_step = work->width,
                            .b = scores + panel->key * TILE + column,
                            .b_step = TILE,
                            .c = sum + column,
                            .c_row = TILE};
        NAME(multiply_rows)(weighted, work->rows, panel->columns, panel->keys, true);
    }
}

// sum [keys][width] += scores [keys][TILE] rows [TILE][width]: neighbouring blocks of keys that the same queries see at a time,
// over those queries.
static void NAME(add_to_keys)(const WORK *work, const struct attention_tile *tile, const REAL *scores, const REAL *rows,
                              REAL *sum)
{
    for (int block = 0, next; block < ATTENTION_KEY_BLOCKS; block = next) {
        int64_t begin = tile->lanes[block].begin, end = tile->lanes[block].end, key = block * ATTENTION_KEY_BLOCK;
        for (next = block + 1; next < ATTENTION_KEY_BLOCKS; next++)
            if (tile->lanes[next].begin != begin || tile->lanes[next].end != end)
                break;
        for (int64_t d = 0; d < work->width && begin < end; d += 2 * LANES) {
            PRODUCT weighted = {.a = scores + key * TILE + begin,
                                .a_row = TILE,
                                .a_step = 1,
                                .b = rows + begin * work->width + d,
                                .b_step = work->width,
                                .c = sum + key * work->width + d,
                                .c_row = work->width};
            int64_t keys = (next - block) * ATTENTION_KEY_BLOCK;
            NAME(multiply_rows)(weighted, keys, work->width - d > LANES ? 2 : 1, end - begin, true);
        }
    }
}

// Soft cap, then alibi, on scores that still lack their cap.
static void NAME(modify)(const WORK *work, const QUERIES *queries, const struct attention_tile *tile, const struct panel *panel)
{
    for (int c = panel->column; c < panel->column + panel->columns; c++)
        for (int64_t key = panel->key; key < panel->key + panel->keys; key++) {
            int64_t here = key * TILE + c * LANES;
            VECTOR score = NAME(load)(work->buffers[SCORES] + here) * work->unit;
            if (work->cap > 0) {
                score = NAME(tanh)(score);
                NAME(store)(work->buffers[CAPPED] + here, score);
                score *= work->cap;
            }
            if (work->sloped) {
                VECTOR distance = queries->position[c] - work->buffers[KEY_POSITION][tile->key_begin + key];
                score -= queries->slope[c] * NAME(select)(distance < 0, -distance, distance);
            }
            NAME(store)(work->buffers[SCORES] + here, score);
        }
}

// The panel's scores.
static void NAME(score_panel)(const WORK *work, const QUERIES *queries, const struct attention_tile *tile,
                              const struct panel *panel)
{
    REAL *scores = work->buffers[SCORES];
    if (work->units)
        NAME(multiply_panel)(work, queries, tile, panel, KEY_ROWS, QUERY_PAIRS, scores);
    else
        NAME(multiply_scores)(work, panel, work->buffers[KEY] + tile->key_begin * work->width, queries->buffers[QUERY], scores);
    if (work->cap > 0 || work->sloped)
        NAME(modify)(work, queries, tile, panel);
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
        const bool rounded = work->rounds;
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
        NAME(score_panel)(work, queries, tile, panel);
        for (int key = panel->key; key < panel->key + panel->keys; key += ATTENTION_KEY_BLOCK)
            NAME(raise_max)(work, queries, panel, mask ? mask + key : NULL, scores + key * TILE);
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
        const bool rounded = work->rounds;
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

// Probabilities, then their gradients, then those of the scores in the places of both.
static void NAME(differentiate_panel)(const WORK *work, const QUERIES *queries, const struct attention_tile *tile,
                                      const struct panel *panel)
{
    const uint32_t *mask = tile->mask < 0 ? NULL : work->schedule->masks + tile->mask;
    const REAL *values = work->buffers[VALUE] + tile->key_begin * work->width;
    REAL *gradients = work->buffers[SCORE_GRADIENTS];
    NAME(score_panel)(work, queries, tile, panel);
    if (work->units)
        NAME(multiply_panel)(work, queries, tile, panel, VALUE_ROWS, OUTPUT_GRADIENT_PAIRS, gradients);
    else
        NAME(multiply_scores)(work, panel, values, queries->buffers[OUTPUT_GRADIENT], gradients);
    for (int key = panel->key; key < panel->key + panel->keys; key += ATTENTION_KEY_BLOCK)
        NAME(differentiate)(work, queries, panel, mask ? mask + key : NULL, key * TILE);
}

// The whole tile is differentiated before anything is added up: sums over all its queries, or all its keys, are the longest
// chains.
static void NAME(backward_tile)(WORK *work, QUERIES *queries, const struct attention_tile *tile)
{
    REAL *const *buffers = work->buffers, *const *of_queries = queries->buffers;
    int64_t first = tile->key_begin * work->width;
    NAME(plan_panels)(work, tile);
    for (const struct panel *panel = work->panels; panel < work->panels + work->panel_count; panel++) {
        NAME(differentiate_panel)(work, queries, tile, panel);
        if (work->units)
            NAME(add_gradients)(work, queries, tile, panel);
    }
    if (work->units)
        return;
    NAME(add_to_keys)(work, tile, buffers[SCORES], of_queries[OUTPUT_GRADIENT_ROWS], buffers[VALUE_GRADIENT] + first);
    NAME(add_to_keys)(work, tile, buffers[SCORE_GRADIENTS], of_queries[QUERY_ROWS], buffers[KEY_GRADIENT] + first);
    NAME(add_weighted_rows)(work, buffers[KEY] + first, buffers[SCORE_GRADIENTS], of_queries[OUTPUT]);
}
