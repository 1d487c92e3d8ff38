// attention_work.h: one call's state, and the way between the tensors' rows and packed ones.
//
// A head's columns of a tensor are rows far apart; the kernel copies them into rows that lie together, in the order of the
// pass, padded with zeros to whole vectors. Included by attention.c once for each REAL; deliberately without an include guard.

#define TILE    ATTENTION_QUERY_TILE
#define LOWEST  ((REAL)(REAL_IS_FLOAT ? -FLT_MAX : -DBL_MAX))
#define WORK    struct NAME(work)
#define HEAD    struct NAME(head)
#define QUERIES struct NAME(queries)

// The columns of one head in one sequence: element d of position i at rows[i * width + d]. rows is NULL where there are none.
HEAD
{
    REAL *rows;
    int64_t width;
};

// One query tile at hand. Queries are lanes: vector `c` holds lanes [c LANES, (c + 1) LANES) of the tile.
QUERIES
{
    struct span places;
    REAL *buffers[QUERY_BUFFERS];            // those of query tiles, this tile's part
    uint16_t *operands[QUERY_OPERANDS];      // likewise
    struct attention_tile tile;              // of keys, the next one
    const struct attention_tile *next, *end; // tiles after it
    bool fresh;                              // nothing is summed up yet
    VECTOR max[COLUMNS], sum[COLUMNS];       // forward
    VECTOR log_sum[COLUMNS], dot[COLUMNS];   // backward: log-sum-exp in bits, rowsum(dO * O)
    VECTOR slope[COLUMNS], position[COLUMNS];
};

// One call: the buffers, and the query tiles at hand.
WORK
{
    const struct attention *attention;
    const struct attention_schedule *schedule;
    struct lsh_sorted sorted;           // whose schedule it is where hashes decide
    const struct attention_bf16 *units; // of the CPU for bfloat16, or NULL
    bool bf16, rounds;                  // operands are rounded; here, not by the units
    REAL *buffers[BUFFER_COUNT];
    uint16_t *operands[OPERAND_COUNT]; // of the units
    int64_t places;                    // of the packed keys, in whole tiles
    int64_t width, rows;               // of a packed row; head_dim in whole blocks
    REAL scale, factor;                // 1 / sqrt(head_dim); what packed queries are multiplied by
    REAL cap;                          // the soft cap, in bits (scores are kept in units of log 2)
    REAL unit, exponent;               // what a product lacks until it is modified, or else until it is an exponent
    REAL key_factor;                   // what the gradient of packed keys lacks
    bool sloped;
    int64_t first_row; // of the sequence
    const struct attention_pass *pass;
    const int32_t *order; // of the pass
    QUERIES queries[QUERY_GROUP];
    int query_count;
    struct panel panels[PANELS_MAX];
    int panel_count;
};

// Operands of the units are rounded as they are, so that what queries would be multiplied by is left to the scores.
static void NAME(work_open)(WORK *work, const struct node *node, struct span rows, const struct lane *lane)
{
    const struct attention *attention = node->attributes;
    const struct attention_bf16 *units = node->prepared;
    double scale = 1.0 / sqrt((double)attention->head_dim);
    double factor = attention->softcap > 0 ? scale / attention->softcap : scale * LOG2_E;
    bool modified = attention->softcap > 0 || attention->slopes;
    *work = (WORK){
        .attention = attention,
        .schedule = attention->schedule,
        .units = units,
        .bf16 = lane->graph->way.format == GEMM_BF16,
        .rounds = lane->graph->way.format == GEMM_BF16 && !units,
        .places = (int64_t)padded_places(node),
        .width = padded_width(node),
        .rows = (attention->head_dim + ATTENTION_KEY_BLOCK - 1) / ATTENTION_KEY_BLOCK * ATTENTION_KEY_BLOCK,
        .scale = (REAL)scale,
        .factor = units ? 1 : (REAL)factor,
        .unit = units ? (REAL)factor : 1,
        .exponent = units && !modified ? (REAL)factor : 1,
        .key_factor = (REAL)(units ? scale : scale / factor),
        .cap = (REAL)(attention->softcap * LOG2_E),
        .sloped = attention->slopes != NULL,
        .first_row = rows.begin,
    };
    REAL *next = (REAL *)lane->workspace;
    uint16_t *half = (uint16_t *)(lane->workspace + buffer_bytes(node, lane->graph->real));
    for (enum buffer buffer = 0; buffer < BUFFER_COUNT; buffer++) {
        work->buffers[buffer] = next;
        next += buffer_elements(node, buffer);
    }
    for (enum operand operand = 0; operand < OPERAND_COUNT; operand++) {
        work->operands[operand] = half;
        half += operand_elements(node, operand);
    }
    for (int i = 0; i < QUERY_GROUP; i++) {
        for (enum buffer buffer = 0; buffer < QUERY_BUFFERS; buffer++)
            work->queries[i].buffers[buffer] = work->buffers[buffer] + i * TILE * work->width;
        for (enum operand operand = 0; operand < QUERY_OPERANDS; operand++)
            work->queries[i].operands[operand] = work->operands[operand] + i * TILE * work->width;
    }
    if (!attention->lsh)
        return;
    lsh_sorted_open(&work->sorted, attention->lsh, attention->schedule,
                    lane->workspace + size_align(buffer_bytes(node, lane->graph->real)));
    work->schedule = &work->sorted.schedule;
}

// Head `index` of `heads` in the tensor at `array`, in the sequence that begins at `first_row`.
static HEAD NAME(head_at)(const WORK *work, const void *array, int64_t heads, int64_t first_row, int64_t index)
{
    int64_t head_dim = work->attention->head_dim, width = heads * head_dim;
    return (HEAD){array ? (REAL *)array + first_row * width + index * head_dim : NULL, width};
}
static HEAD NAME(query_head)(const WORK *work, const void *array, int64_t index)
{
    return NAME(head_at)(work, array, work->attention->n_head, work->first_row, index);
}
static HEAD NAME(key_head)(const WORK *work, const void *array, int64_t index)
{
    return NAME(head_at)(work, array, work->attention->kv_heads, work->first_row, index);
}

// to = from * factor, to = from rounded * factor, or to += from * factor; `count` elements.
ALWAYS_INLINE static inline void NAME(copy)(const REAL *restrict from, int64_t count, REAL factor, const enum copying copying,
                                            REAL *restrict to)
{
    int64_t d = 0;
    for (; d + LANES <= count; d += LANES) {
        UNALIGNED *place = (UNALIGNED *)(to + d);
        VECTOR value = *(const UNALIGNED *)(from + d);
        if (copying == COPY_ROUNDED)
            value = NAME(round)(value);
        value *= factor;
        if (copying == COPY_ADDED)
            value += *place;
        *place = value;
    }
    for (; d < count; d++) {
        REAL value = (copying == COPY_ROUNDED ? NAME(round)(NAME(splat)(from[d]))[0] : from[d]) * factor;
        to[d] = copying == COPY_ADDED ? to[d] + value : value;
    }
}

// A head's rows lie far apart, and hardware does not guess where the next one is.
ALWAYS_INLINE static inline void NAME(fetch)(const WORK *work, HEAD head, int64_t place, const bool to_write)
{
    if (place >= work->schedule->time)
        return;
    const REAL *row = head.rows + work->order[place] * head.width;
    for (int64_t d = 0; d < work->attention->head_dim; d += MEMORY_ALIGNMENT / (int64_t)sizeof(REAL))
        __builtin_prefetch(row + d, to_write);
}

// The rows at `places`, rounded or not, times factor; zeros up to `padded` rows.
static void NAME(pack)(const WORK *work, HEAD from, struct span places, int64_t padded, REAL factor, bool rounded, REAL *to)
{
    int64_t head_dim = work->attention->head_dim, width = work->width;
    const REAL *end = to + padded * width;
    for (int64_t i = places.begin; i < places.end; i++, to += width) {
        const REAL *row = from.rows + work->order[i] * from.width;
        NAME(fetch)(work, from, i + ROWS_AHEAD, false);
        if (rounded)
            NAME(copy)(row, head_dim, factor, COPY_ROUNDED, to);
        else
            NAME(copy)(row, head_dim, factor, COPY_AS_IT_IS, to);
        for (int64_t d = head_dim; d < width; d++)
            to[d] = 0;
    }
    while (to < end)
        *to++ = 0;
}

// The way back: rows times factor are written, or added.
static void NAME(unpack)(const WORK *work, const REAL *from, struct span places, REAL factor, bool add, HEAD to)
{
    int64_t head_dim = work->attention->head_dim;
    for (int64_t i = places.begin; to.rows && i < places.end; i++, from += work->width) {
        REAL *row = to.rows + work->order[i] * to.width;
        NAME(fetch)(work, to, i + ROWS_AHEAD, true);
        if (add)
            NAME(copy)(from, head_dim, factor, COPY_ADDED, row);
        else
            NAME(copy)(from, head_dim, factor, COPY_AS_IT_IS, row);
    }
}

// Keys and values of one head, for all places of the pass.
static void NAME(pack_keys)(WORK *work, const struct node *node, const struct lane *lane, int64_t kv_head)
{
    int64_t time = work->schedule->time, padded = work->places;
    struct span all = {0, time};
    NAME(pack)
    (work, NAME(key_head)(work, lane_input(node, 1, lane), kv_head), all, padded, 1, work->rounds, work->buffers[KEY]);
    NAME(pack)
    (work, NAME(key_head)(work, lane_input(node, 2, lane), kv_head), all, padded, 1, work->rounds, work->buffers[VALUE]);
    for (int64_t i = 0; work->sloped && i < padded; i++)
        work->buffers[KEY_POSITION][i] = i < time ? (REAL)work->order[i] : 0;
}

// Where hashes decide, every head has a schedule of its own. Its buckets are kept for backward, never computed anew: rebuilt
// queries might hash elsewhere.
static void NAME(sort)(WORK *work, const struct node *node, const struct lane *lane, int64_t head, int pass)
{
    int64_t rounds = work->attention->lsh->rounds, width = node->inputs[3]->width;
    const int32_t *buckets = lane_input(node, 3, lane);
    if (pass == 0)
        lsh_sort_head(&work->sorted, head, buckets + work->first_row * width + head * rounds, width);
    lsh_sort_pass(&work->sorted, pass);
}

// Makes a pass the one at hand and packs its keys; false when it serves none of the kv head's queries.
static bool NAME(begin_pass)(WORK *work, const struct node *node, const struct lane *lane, int64_t kv_head, int pass)
{
    int64_t group = work->attention->n_head / work->attention->kv_heads, head = kv_head * group;
    if (work->attention->lsh)
        NAME(sort)(work, node, lane, head, pass);
    work->pass = &work->schedule->passes[pass];
    work->order = work->pass->order;
    while (head < (kv_head + 1) * group && !attention_serves(work->schedule, work->pass, head))
        head++;
    if (head == (kv_head + 1) * group)
        return false;
    NAME(pack_keys)(work, node, lane, kv_head);
    return true;
}

// The rows of the tile's queries, transposed; they stay in `rows` too.
static void NAME(pack_tile)(const WORK *work, HEAD from, struct span places, REAL factor, bool rounded, REAL *rows,
                            REAL *transposed)
{
    NAME(pack)(work, from, places, TILE, factor, rounded, rows);
    NAME(transpose)(rows, TILE, work->width, transposed);
}

// The queries of a tile, scaled.
static void NAME(pack_queries)(const WORK *work, QUERIES *queries, const struct node *node, const struct lane *lane,
                               int64_t head)
{
    int64_t begin = queries->places.begin, end = queries->places.end;
    HEAD query = NAME(query_head)(work, lane_input(node, 0, lane), head);
    NAME(pack_tile)
    (work, query, queries->places, work->factor, work->rounds, queries->buffers[QUERY_ROWS], queries->buffers[QUERY]);
    if (!work->sloped)
        return;
    REAL positions[TILE] __attribute__((aligned(VECTOR_BYTES))) = {0};
    for (int64_t i = begin; i < end; i++)
        positions[i - begin] = (REAL)work->order[i];
    for (int c = 0; c < COLUMNS; c++) {
        queries->position[c] = NAME(load)(positions + c * LANES);
        queries->slope[c] = NAME(splat)((REAL)(work->attention->slopes[head] * LOG2_E));
    }
}

// Leaves a tile of keys behind: the next one repeats it, or comes from the schedule.
static void NAME(take_tile)(QUERIES *queries)
{
    struct attention_tile *tile = &queries->tile;
    tile->repeats--;
    tile->key_begin += ATTENTION_KEY_TILE;
    if (tile->repeats == 0 && queries->next < queries->end)
        *tile = *queries->next++;
}

// The query tiles from `first` on, as many as a group takes.
static void NAME(pack_group)(WORK *work, const struct node *node, const struct lane *lane, int64_t head, int64_t first)
{
    const struct attention_schedule *schedule = work->schedule;
    int64_t left = schedule->query_tiles - first, time = schedule->time;
    work->query_count = left < QUERY_GROUP ? (int)left : QUERY_GROUP;
    for (int i = 0; i < work->query_count; i++) {
        QUERIES *queries = work->queries + i;
        const int64_t *tiles = work->pass->first_tile + first + i;
        int64_t begin = (first + i) * TILE;
        queries->places = (struct span){begin, begin + TILE < time ? begin + TILE : time};
        queries->next = schedule->tiles + tiles[0];
        queries->end = schedule->tiles + tiles[1];
        queries->tile.repeats = 1;
        NAME(take_tile)(queries);
        NAME(pack_queries)(work, queries, node, lane, head);
    }
}

// Whose turn it is: the keys pass by once, and every query tile of the group takes them in order. What a query or a key sums
// up keeps its order, whatever the size of the group. NULL: none is left.
static QUERIES *NAME(next_queries)(WORK *work)
{
    QUERIES *first = NULL;
    for (QUERIES *queries = work->queries; queries < work->queries + work->query_count; queries++)
        if (queries->tile.repeats > 0 && (!first || queries->tile.key_begin < first->tile.key_begin))
            first = queries;
    return first;
}

// Where the log-sum-exp of the query at a place is kept.
static REAL *NAME(log_sum_at)(const WORK *work, const struct node *node, const struct lane *lane, int64_t head, int64_t place)
{
    return (REAL *)lane_saved(node, lane) + (work->first_row + work->order[place]) * work->attention->n_head + head;
}

// The saved log-sum-exps of the tile's queries, in bits; 0 behind the end.
static void NAME(read_log_sums)(const WORK *work, const QUERIES *queries, const struct node *node, const struct lane *lane,
                                int64_t head, VECTOR *vectors)
{
    REAL log_sums[TILE] __attribute__((aligned(VECTOR_BYTES))) = {0};
    for (int64_t i = queries->places.begin; i < queries->places.end; i++)
        log_sums[i - queries->places.begin] = *NAME(log_sum_at)(work, node, lane, head, i) * (REAL)LOG2_E;
    for (int c = 0; c < COLUMNS; c++)
        vectors[c] = NAME(load)(log_sums + c * LANES);
}
