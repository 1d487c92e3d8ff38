// attention.c: from a pattern to the schedule of tiles; see attention.h.
//
// Called by the model builder, once per layer and length. It refuses patterns that break the contract: a query without keys, an
// order that is not a permutation, a pair that two passes show. Every pair of a visited tile is asked for once.
#include "tensor/attention.h"

#include <stdlib.h>
#include <string.h>

enum { MASKS_COMPARED = 32 }; // most tiles that need a mask share one with a tile shortly before: those of a diagonal

void span_list_add(struct span_list *list, int64_t begin, int64_t end)
{
    if (begin < 0)
        begin = 0;
    if (begin >= end)
        return;
    if (list->count < SPAN_LIST_MAX) {
        list->spans[list->count++] = (struct span){begin, end};
        return;
    }
    struct span *last = &list->spans[SPAN_LIST_MAX - 1];
    last->begin = begin < last->begin ? begin : last->begin;
    last->end = end > last->end ? end : last->end;
}

// Lists that grow while the number of tiles is unknown.
struct builder {
    struct attention_schedule *schedule;
    struct attention_tile *tiles;
    int64_t tile_capacity;
    uint32_t *masks; // [mask_count, ATTENTION_KEY_TILE]
    int64_t mask_count, mask_capacity;
    unsigned char *touched; // [key tiles]: some span reaches into it
    int64_t key_tiles;
    bool *sees_something; // [time]
    struct error *error;
};

static bool fill_order(struct builder *builder, int pass)
{
    struct attention_schedule *schedule = builder->schedule;
    int32_t *order = schedule->order + pass * schedule->time;
    if (!schedule->pattern->order) {
        for (int64_t i = 0; i < schedule->time; i++)
            order[i] = (int32_t)i;
        return true;
    }
    schedule->pattern->order(schedule->options, pass, schedule->time, order);
    bool *placed = memory_allocate((size_t)schedule->time, sizeof *placed);
    bool permutation = true;
    for (int64_t i = 0; i < schedule->time; i++) {
        bool inside = order[i] >= 0 && order[i] < schedule->time;
        permutation = permutation && inside && !placed[order[i]];
        if (inside)
            placed[order[i]] = true;
    }
    free(placed);
    return permutation || error_add(builder->error,
                                    "attention pattern: its order of %lld positions is not a permutation; mend "
                                    "the component's `order`",
                                    (long long)schedule->time);
}

// Whether an earlier pass shows the pair already.
static bool shown_before(const struct attention_schedule *schedule, int pass, int64_t query, int64_t key)
{
    for (int earlier = 0; earlier < pass; earlier++)
        if (schedule->pattern->sees(schedule->options, earlier, query, key))
            return true;
    return false;
}

// Asks for every pair of the tile. Bits of places behind the end stay 0. Returns the number of visible pairs, -1 after an error.
static int64_t fill_mask(struct builder *builder, int pass, const struct attention_tile *tile, uint32_t *mask)
{
    const struct attention_schedule *schedule = builder->schedule;
    const int32_t *order = schedule->order + pass * schedule->time;
    int64_t visible = 0;
    memset(mask, 0, ATTENTION_KEY_TILE * sizeof *mask);
    for (int64_t j = 0; j < ATTENTION_KEY_TILE && tile->key_begin + j < schedule->time; j++) {
        int64_t key = order[tile->key_begin + j];
        for (int64_t i = 0; i < ATTENTION_QUERY_TILE && tile->query_begin + i < schedule->time; i++) {
            int64_t query = order[tile->query_begin + i];
            if (!schedule->pattern->sees(schedule->options, pass, query, key))
                continue;
            if (shown_before(schedule, pass, query, key)) {
                error_add(builder->error,
                          "attention pattern: query %lld sees key %lld in two passes; mend the component's `sees`",
                          (long long)query, (long long)key);
                return -1;
            }
            mask[j] |= (uint32_t)1 << i;
            builder->sees_something[query] = true;
            visible++;
        }
    }
    return visible;
}

// The queries that see some key of each block, as one range a block.
static void fill_lanes(struct attention_tile *tile, const uint32_t *mask, int64_t *visited)
{
    for (int block = 0; block < ATTENTION_KEY_BLOCKS; block++) {
        uint32_t any = 0;
        for (int j = 0; j < ATTENTION_KEY_BLOCK; j++)
            any |= mask[block * ATTENTION_KEY_BLOCK + j];
        if (!any)
            continue;
        int begin = __builtin_ctz(any), end = 32 - __builtin_clz(any);
        tile->lanes[block].begin = (uint8_t)begin;
        tile->lanes[block].end = (uint8_t)end;
        *visited += ATTENTION_KEY_BLOCK * ((end + 15) / 16 - begin / 16) * 16;
    }
}

static int64_t keep_mask(struct builder *builder, const uint32_t *mask)
{
    size_t bytes = ATTENTION_KEY_TILE * sizeof *mask;
    for (int64_t i = builder->mask_count - 1; i >= 0 && i >= builder->mask_count - MASKS_COMPARED; i--)
        if (!memcmp(builder->masks + i * ATTENTION_KEY_TILE, mask, bytes))
            return i * ATTENTION_KEY_TILE;
    if (builder->mask_count == builder->mask_capacity) {
        builder->mask_capacity = builder->mask_capacity ? 2 * builder->mask_capacity : 16;
        builder->masks = memory_resize(builder->masks, (size_t)builder->mask_capacity, bytes);
    }
    memcpy(builder->masks + builder->mask_count * ATTENTION_KEY_TILE, mask, bytes);
    return builder->mask_count++ * ATTENTION_KEY_TILE;
}

static bool add_tile(struct builder *builder, int pass, int64_t query_begin, int64_t key_begin)
{
    struct attention_schedule *schedule = builder->schedule;
    struct attention_tile tile = {.query_begin = (int32_t)query_begin, .key_begin = (int32_t)key_begin, .mask = -1};
    uint32_t mask[ATTENTION_KEY_TILE];
    int64_t visible = fill_mask(builder, pass, &tile, mask);
    if (visible <= 0)
        return visible == 0;
    schedule->visible_pairs += visible;
    fill_lanes(&tile, mask, &schedule->visited_pairs);
    if (visible < ATTENTION_KEY_TILE * ATTENTION_QUERY_TILE)
        tile.mask = keep_mask(builder, mask);
    if (schedule->tile_count == builder->tile_capacity) {
        builder->tile_capacity = builder->tile_capacity ? 2 * builder->tile_capacity : 64;
        builder->tiles = memory_resize(builder->tiles, (size_t)builder->tile_capacity, sizeof tile);
    }
    builder->tiles[schedule->tile_count++] = tile;
    return true;
}

static bool add_query_tile(struct builder *builder, int pass, int64_t query_begin)
{
    const struct attention_schedule *schedule = builder->schedule;
    int64_t query_end =
        query_begin + ATTENTION_QUERY_TILE < schedule->time ? query_begin + ATTENTION_QUERY_TILE : schedule->time;
    struct span_list keys = {.count = 0};
    schedule->pattern->spans(schedule->options, pass, (struct span){query_begin, query_end}, schedule->time, &keys);
    memset(builder->touched, 0, (size_t)builder->key_tiles);
    for (int i = 0; i < keys.count; i++)
        for (int64_t k = keys.spans[i].begin / ATTENTION_KEY_TILE;
             k < builder->key_tiles && k * ATTENTION_KEY_TILE < keys.spans[i].end; k++)
            builder->touched[k] = 1;
    for (int64_t k = 0; k < builder->key_tiles; k++)
        if (builder->touched[k] && !add_tile(builder, pass, query_begin, k * ATTENTION_KEY_TILE))
            return false;
    return true;
}

static bool fill_schedule(struct builder *builder)
{
    struct attention_schedule *schedule = builder->schedule;
    for (int pass = 0; pass < schedule->passes; pass++) {
        if (!fill_order(builder, pass))
            return false;
        for (int64_t i = 0; i < schedule->query_tiles; i++) {
            schedule->first_tile[pass * schedule->query_tiles + i] = schedule->tile_count;
            if (!add_query_tile(builder, pass, i * ATTENTION_QUERY_TILE))
                return false;
        }
    }
    schedule->first_tile[schedule->passes * schedule->query_tiles] = schedule->tile_count;
    for (int64_t i = 0; i < schedule->time; i++)
        if (!builder->sees_something[i])
            return error_add(builder->error,
                             "attention pattern: query %lld sees no key, and an average over nothing has no value; "
                             "let it see itself",
                             (long long)i);
    return true;
}

bool attention_schedule_open(struct attention_schedule *schedule, const struct attention_pattern *pattern, const void *options,
                             int64_t time, struct arena *arena, struct error *error)
{
    int passes = pattern->passes ? pattern->passes : 1;
    if (time < 1 || time > INT32_MAX - ATTENTION_KEY_TILE)
        return error_add(error, "attention over %lld positions: a sequence has 1 to %d", (long long)time,
                         INT32_MAX - ATTENTION_KEY_TILE);
    int64_t query_tiles = (time + ATTENTION_QUERY_TILE - 1) / ATTENTION_QUERY_TILE;
    int64_t key_tiles = (time + ATTENTION_KEY_TILE - 1) / ATTENTION_KEY_TILE;
    *schedule = (struct attention_schedule){
        .pattern = pattern,
        .options = options,
        .time = time,
        .passes = passes,
        .query_tiles = query_tiles,
        .order = arena_allocate(arena, (size_t)(passes * time), sizeof *schedule->order),
        .first_tile = arena_allocate(arena, (size_t)(passes * query_tiles + 1), sizeof *schedule->first_tile),
    };
    struct builder builder = {.schedule = schedule,
                              .error = error,
                              .key_tiles = key_tiles,
                              .touched = memory_allocate((size_t)key_tiles, 1),
                              .sees_something = memory_allocate((size_t)time, sizeof(bool))};
    bool done = fill_schedule(&builder);
    if (done) {
        size_t tiles = (size_t)schedule->tile_count, words = (size_t)builder.mask_count * ATTENTION_KEY_TILE;
        schedule->tiles = arena_allocate(arena, tiles, sizeof *schedule->tiles);
        memcpy(schedule->tiles, builder.tiles, tiles * sizeof *schedule->tiles);
        schedule->masks = arena_allocate(arena, words, sizeof *schedule->masks);
        if (words)
            memcpy(schedule->masks, builder.masks, words * sizeof *schedule->masks);
    }
    free(builder.tiles);
    free(builder.masks);
    free(builder.touched);
    free(builder.sees_something);
    return done;
}
