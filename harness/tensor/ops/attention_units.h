// attention_units.h: operands and products of one tile of queries and one of keys on the CPU's units for bfloat16.
//
// Rounded operands are made once from what attention_work.h packs: those of keys for all places, those of queries for a group,
// probabilities and gradients of scores for the tile at hand. Included by attention.c once for each REAL, although double has
// no such units; deliberately without an include guard.

// Rounds a head's keys and values. A tile's columns pass through the place of the keys' gradient, which nothing needs yet.
static void NAME(round_keys)(WORK *work, bool backward)
{
    int64_t tile = ATTENTION_KEY_TILE * work->width, count = work->places * work->width;
    if (!work->units)
        return;
    work->units->round_rows((void *)work->buffers[KEY], count, work->operands[KEY_ROWS]);
    if (backward)
        work->units->round_rows((void *)work->buffers[VALUE], count, work->operands[VALUE_ROWS]);
    const REAL *from = work->buffers[backward ? KEY : VALUE];
    for (int64_t at = 0; at < count; at += tile) {
        NAME(transpose)(from + at, ATTENTION_KEY_TILE, work->width, work->buffers[KEY_GRADIENT]);
        work->units->round_rows((void *)work->buffers[KEY_GRADIENT], tile,
                                work->operands[backward ? KEY_COLUMNS : VALUE_COLUMNS] + at);
    }
}

static void NAME(round_queries)(const WORK *work, QUERIES *queries, bool backward)
{
    static const struct {
        enum buffer from;
        enum operand to;
        bool transposed, backward;
    } operands[] = {
        {QUERY, QUERY_PAIRS, true, false},
        {QUERY_ROWS, QUERY_ROW_PAIRS, false, true},
        {OUTPUT_GRADIENT, OUTPUT_GRADIENT_PAIRS, true, true},
        {OUTPUT_GRADIENT_ROWS, OUTPUT_GRADIENT_ROW_PAIRS, false, true},
    };
    for (size_t i = 0; work->units && i < sizeof operands / sizeof *operands; i++) {
        int64_t rows = operands[i].transposed ? work->width : TILE, columns = operands[i].transposed ? TILE : work->width;
        if (backward || !operands[i].backward)
            work->units->round_pairs((void *)queries->buffers[operands[i].from], rows, columns,
                                     queries->operands[operands[i].to]);
    }
}

static void NAME(plan_panels)(WORK *work, const struct attention_tile *tile)
{
    work->panel_count = work->units ? unit_panels(tile, LANES, work->panels) : tile_panels(tile, LANES, work->panels);
}

// result [keys][TILE] = rows [keys][width] transposed [width][TILE], for the panel's keys.
static void NAME(multiply_panel)(const WORK *work, const QUERIES *queries, const struct attention_tile *tile,
                                 const struct panel *panel, enum operand rows, enum operand transposed, REAL *result)
{
    const struct bf16_product product = {
        .a = work->operands[rows] + (tile->key_begin + panel->key) * work->width,
        .a_row = work->width,
        .b = queries->operands[transposed],
        .b_pair = 2 * TILE,
        .c = (void *)(result + panel->key * TILE),
        .c_row = TILE,
        .rows = panel->keys,
        .columns = TILE,
        .steps = work->width,
    };
    work->units->multiply(&product);
}

// sum [width][TILE] += columns [width][keys] scores [keys][TILE], whose pairs are `pairs`.
static void NAME(add_weighted_columns)(const WORK *work, const QUERIES *queries, const struct attention_tile *tile,
                                       const struct panel *panel, enum operand columns, enum operand pairs)
{
    const struct bf16_product product = {
        .a = work->operands[columns] + tile->key_begin * work->width + panel->key,
        .a_row = ATTENTION_KEY_TILE,
        .b = work->operands[pairs] + panel->key * TILE,
        .b_pair = 2 * TILE,
        .c = (void *)queries->buffers[OUTPUT],
        .c_row = TILE,
        .rows = work->width,
        .columns = TILE,
        .steps = panel->keys,
        .add = true,
    };
    work->units->multiply(&product);
}

// sum [keys][width] += scores [keys][TILE] rows [TILE][width].
static void NAME(add_keys)(const WORK *work, const QUERIES *queries, const struct attention_tile *tile,
                           const struct panel *panel, enum operand scores, enum operand rows, enum buffer sum)
{
    const struct bf16_product product = {
        .a = work->operands[scores] + panel->key * TILE,
        .a_row = TILE,
        .b = queries->operands[rows],
        .b_pair = 2 * work->width,
        .c = (void *)(work->buffers[sum] + (tile->key_begin + panel->key) * work->width),
        .c_row = work->width,
        .rows = panel->keys,
        .columns = work->width,
        .steps = TILE,
        .add = true,
    };
    work->units->multiply(&product);
}

// The tile's probabilities times its values, added to the output.
static void NAME(add_values)(const WORK *work, const QUERIES *queries, const struct attention_tile *tile)
{
    for (const struct panel *panel = work->panels; panel < work->panels + work->panel_count; panel++) {
        int64_t at = panel->key * TILE;
        work->units->round_pairs((void *)(work->buffers[SCORES] + at), panel->keys, TILE,
                                 work->operands[PROBABILITY_PAIRS] + at);
        NAME(add_weighted_columns)(work, queries, tile, panel, VALUE_COLUMNS, PROBABILITY_PAIRS);
    }
}

// What a panel's probabilities and their scores' gradients add to the gradients of values, keys and queries.
static void NAME(add_gradients)(const WORK *work, const QUERIES *queries, const struct attention_tile *tile,
                                const struct panel *panel)
{
    int64_t at = panel->key * TILE, count = panel->keys * TILE;
    void *probabilities = work->buffers[SCORES] + at, *gradients = work->buffers[SCORE_GRADIENTS] + at;
    work->units->round_rows(probabilities, count, work->operands[PROBABILITY_ROWS] + at);
    work->units->round_rows(gradients, count, work->operands[SCORE_GRADIENT_ROWS] + at);
    work->units->round_pairs(gradients, panel->keys, TILE, work->operands[SCORE_GRADIENT_PAIRS] + at);
    NAME(add_keys)(work, queries, tile, panel, PROBABILITY_ROWS, OUTPUT_GRADIENT_ROW_PAIRS, VALUE_GRADIENT);
    NAME(add_keys)(work, queries, tile, panel, SCORE_GRADIENT_ROWS, QUERY_ROW_PAIRS, KEY_GRADIENT);
    NAME(add_weighted_columns)(work, queries, tile, panel, KEY_COLUMNS, SCORE_GRADIENT_PAIRS);
}
