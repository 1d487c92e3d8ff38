// attention.c: from a pattern to the schedule of tiles; see attention.h.
//
// Called by the model builder, once per layer and length. It refuses patterns that break the contract: a query without keys, an
// order that is not a permutation, a pair that two passes show, heads that are not the same as an earlier one. Queries are
// asked once each; only tiles that hold the end of a range are filled pair by pair.
#include "tensor/attention.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { QUERIES_COMPARED = 4096 }; // of a long sequence, whose pairs are too many to compare between passes one by one
enum { MASKS_COMPARED = 32 };     // most tiles that need a mask share one with a tile shortly before: those of a diagonal

// ---- What a query sees ------------------------------------------------------------------------------------------------------

void span_list_add(struct span_list *list, int64_t begin, int64_t end)
{
    if (begin < 0)
        begin = 0;
    if (begin >= end)
        return;
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 4;
        list->spans = memory_resize(list->spans, (size_t)list->capacity, sizeof *list->spans);
    }
    list->spans[list->count++] = (struct span){begin, end};
}

static int compare_spans(const void *a, const void *b)
{
    const struct span *first = a, *second = b;
    return (first->begin > second->begin) - (first->begin < second->begin);
}

// The keys of the query at a place, as ranges of places that are sorted, apart and within the sequence.
static void ask(const struct attention_schedule *schedule, const struct attention_pass *pass, int64_t place,
                struct span_list *keys)
{
    const struct attention_view view = {.options = schedule->options,
                                        .time = schedule->time,
                                        .head = pass->head,
                                        .pass = pass->number,
                                        .causal = schedule->causal};
    keys->count = 0;
    schedule->pattern->spans(&view, place, pass->order[place], keys);
    if (keys->count > 1)
        qsort(keys->spans, (size_t)keys->count, sizeof *keys->spans, compare_spans);
    int64_t kept = 0;
    for (int64_t i = 0; i < keys->count; i++) {
        struct span span = keys->spans[i];
        span.end = span.end < view.time ? span.end : view.time;
        if (span.begin >= span.end)
            continue;
        struct span *last = keys->spans + kept - 1;
        if (kept > 0 && span.begin <= last->end)
            last->end = span.end > last->end ? span.end : last->end;
        else
            keys->spans[kept++] = span;
    }
    keys->count = kept;
}

bool *attention_visible(const struct attention_schedule *schedule, int64_t head, struct arena *arena)
{
    int64_t time = schedule->time;
    bool *visible = arena_allocate(arena, (size_t)(time * time), sizeof *visible);
    struct span_list keys = {0};
    for (const struct attention_pass *pass = schedule->passes; pass < schedule->passes + schedule->pass_count; pass++)
        for (int64_t place = 0; attention_serves(schedule, pass, head) && place < time; place++) {
            ask(schedule, pass, place, &keys);
            for (int64_t i = 0; i < keys.count; i++)
                for (int64_t key = keys.spans[i].begin; key < keys.spans[i].end; key++)
                    visible[pass->order[place] * time + pass->order[key]] = true;
        }
    free(keys.spans);
    return visible;
}

// ---- What is refused --------------------------------------------------------------------------------------------------------

static bool fill_order(struct attention_schedule *schedule, struct attention_pass *pass, struct error *error)
{
    int64_t time = schedule->time;
    for (int64_t i = 0; i < time; i++)
        pass->order[i] = (int32_t)i;
    if (!schedule->pattern->order)
        return true;
    const struct attention_view view = {
        .options = schedule->options, .time = time, .head = pass->head, .pass = pass->number, .causal = schedule->causal};
    schedule->pattern->order(&view, pass->order);
    bool *placed = memory_allocate((size_t)time, sizeof *placed);
    bool permutation = true;
    for (int64_t i = 0; i < time; i++) {
        bool inside = pass->order[i] >= 0 && pass->order[i] < time;
        permutation = permutation && inside && !placed[pass->order[i]];
        if (inside)
            placed[pass->order[i]] = true;
    }
    free(placed);
    return permutation || error_add(error,
                                    "attention pattern: its order of %lld positions is not a permutation; mend "
                                    "the component's `order`",
                                    (long long)time);
}

// Notes in `seen_by` [time] that the query sees these keys; false when it saw one of them before, in another pass.
static bool note_keys(const struct attention_pass *pass, const struct span_list *keys, int32_t query, int32_t *seen_by,
                      struct error *error)
{
    for (int64_t i = 0; i < keys->count; i++)
        for (int64_t place = keys->spans[i].begin; place < keys->spans[i].end; place++) {
            int32_t *last = seen_by + pass->order[place];
            if (*last == query + 1)
                return error_add(error, "attention pattern: query %d sees key %d in two passes; mend the component's `spans`",
                                 query, pass->order[place]);
            *last = query + 1;
        }
    return true;
}

// Every query of one head sees something, and no key in two of the head's passes [first, end). The step is odd, so that it does
// not fall in with strides.
static bool queries_are_sound(const struct attention_schedule *schedule, const struct attention_pass *first,
                              const struct attention_pass *end, struct error *error)
{
    int64_t time = schedule->time, passes = end - first, step = time / QUERIES_COMPARED | 1;
    int32_t *places = memory_allocate((size_t)(passes * time), sizeof *places);
    int32_t *seen_by = memory_allocate((size_t)time, sizeof *seen_by);
    struct span_list keys = {0};
    bool sound = true;
    for (const struct attention_pass *pass = first; pass < end; pass++)
        for (int64_t i = 0; i < time; i++)
            places[(pass - first) * time + pass->order[i]] = (int32_t)i;
    for (int64_t query = 0; sound && query < time; query++) {
        bool sees_something = schedule->pattern->may_see_nothing;
        for (const struct attention_pass *pass = first; sound && pass < end; pass++) {
            ask(schedule, pass, places[(pass - first) * time + query], &keys);
            sees_something |= keys.count > 0;
            sound = passes == 1 || query % step != 0 || note_keys(pass, &keys, (int32_t)query, seen_by, error);
        }
        if (sound && !sees_something)
            sound = error_add(error,
                              "attention pattern: query %lld sees no key, and an average over nothing has no value; "
                              "let it see itself",
                              (long long)query);
    }
    free(keys.spans);
    free(seen_by);
    free(places);
    return sound;
}

// ---- Tiles ------------------------------------------------------------------------------------------------------------------

// Lists that grow while the number of tiles is unknown, and the query tile at hand.
struct builder {
    struct attention_schedule *schedule;
    struct attention_tile *tiles;
    int64_t tile_capacity;
    uint32_t *masks; // [mask_count, ATTENTION_KEY_TILE]
    int64_t mask_count, mask_capacity;
    int queries;                                 // of the tile
    struct span_list keys[ATTENTION_QUERY_TILE]; // of each query
    int64_t at[ATTENTION_QUERY_TILE];            // its first range that does not end before the key tile at hand
    int64_t heads;                               // that the pass serves
};

// The queries of a block of keys that the kernel multiplies: whole granules.
static struct span visited_lanes(const struct attention_tile *tile, int block)
{
    enum { G = ATTENTION_LANE_GRANULE };
    return (struct span){tile->lanes[block].begin / G * G, (tile->lanes[block].end + G - 1) / G * G};
}

int64_t attention_tile_lanes(struct attention_tile *tile, const uint32_t *mask)
{
    int64_t visited = 0;
    for (int block = 0; block < ATTENTION_KEY_BLOCKS; block++) {
        uint32_t any = 0;
        for (int j = 0; j < ATTENTION_KEY_BLOCK; j++)
            any |= mask[block * ATTENTION_KEY_BLOCK + j];
        if (!any)
            continue;
        int begin = __builtin_ctz(any), end = 32 - __builtin_clz(any);
        tile->lanes[block].begin = (uint8_t)begin;
        tile->lanes[block].end = (uint8_t)end;
        struct span lanes = visited_lanes(tile, block);
        visited += ATTENTION_KEY_BLOCK * (lanes.end - lanes.begin);
    }
    return visited;
}

static int32_t keep_mask(struct builder *builder, const uint32_t *mask)
{
    size_t bytes = ATTENTION_KEY_TILE * sizeof *mask;
    for (int64_t i = builder->mask_count - 1; i >= 0 && i >= builder->mask_count - MASKS_COMPARED; i--)
        if (!memcmp(builder->masks + i * ATTENTION_KEY_TILE, mask, bytes))
            return (int32_t)(i * ATTENTION_KEY_TILE);
    if (builder->mask_count == builder->mask_capacity) {
        builder->mask_capacity = builder->mask_capacity ? 2 * builder->mask_capacity : 16;
        builder->masks = memory_resize(builder->masks, (size_t)builder->mask_capacity, bytes);
    }
    memcpy(builder->masks + builder->mask_count * ATTENTION_KEY_TILE, mask, bytes);
    return (int32_t)(builder->mask_count++ * ATTENTION_KEY_TILE);
}

// The bits of the tile whose keys begin at `begin`. Returns how many are set.
static int64_t fill_mask(const struct builder *builder, int64_t begin, uint32_t *mask)
{
    int64_t visible = 0;
    memset(mask, 0, ATTENTION_KEY_TILE * sizeof *mask);
    for (int query = 0; query < builder->queries; query++) {
        const struct span_list *keys = &builder->keys[query];
        for (int64_t i = builder->at[query]; i < keys->count && keys->spans[i].begin < begin + ATTENTION_KEY_TILE; i++) {
            int64_t from = keys->spans[i].begin - begin, to = keys->spans[i].end - begin;
            from = from > 0 ? from : 0;
            to = to < ATTENTION_KEY_TILE ? to : ATTENTION_KEY_TILE;
            visible += to - from;
            for (int64_t j = from; j < to; j++)
                mask[j] |= (uint32_t)1 << query;
        }
    }
    return visible;
}

static void add_tile(struct builder *builder, struct attention_tile tile)
{
    struct attention_schedule *schedule = builder->schedule;
    uint32_t mask[ATTENTION_KEY_TILE];
    int64_t visible = fill_mask(builder, tile.key_begin, mask), times = tile.repeats * builder->heads;
    schedule->visible_pairs += visible * times;
    schedule->visited_pairs += attention_tile_lanes(&tile, mask) * times;
    if (visible < ATTENTION_KEY_TILE * ATTENTION_QUERY_TILE)
        tile.mask = keep_mask(builder, mask);
    if (schedule->tile_count == builder->tile_capacity) {
        builder->tile_capacity = builder->tile_capacity ? 2 * builder->tile_capacity : 64;
        builder->tiles = memory_resize(builder->tiles, (size_t)builder->tile_capacity, sizeof tile);
    }
    builder->tiles[schedule->tile_count++] = tile;
}

// What lies at and behind a key tile: whether any query sees a key of it; the next key tile that differs from this one, because
// some query sees all keys of this one and its range ends there, or sees none and its range begins there.
struct outlook {
    bool seen;
    int64_t next;
};
static struct outlook look(struct builder *builder, int64_t key_tile)
{
    struct outlook outlook = {.next = INT64_MAX};
    int64_t begin = key_tile * ATTENTION_KEY_TILE, end = begin + ATTENTION_KEY_TILE;
    for (int query = 0; query < builder->queries; query++) {
        const struct span_list *keys = &builder->keys[query];
        int64_t *at = &builder->at[query];
        while (*at < keys->count && keys->spans[*at].end <= begin)
            ++*at;
        if (*at == keys->count)
            continue;
        struct span span = keys->spans[*at];
        int64_t change = key_tile + 1;
        if (span.begin >= end)
            change = span.begin / ATTENTION_KEY_TILE;
        else if (span.begin <= begin && span.end >= end)
            change = span.end / ATTENTION_KEY_TILE;
        outlook.seen |= span.begin < end;
        outlook.next = change < outlook.next ? change : outlook.next;
    }
    return outlook;
}

static void add_query_tile(struct builder *builder, const struct attention_pass *pass, int64_t query_begin)
{
    const struct attention_schedule *schedule = builder->schedule;
    int64_t left = schedule->time - query_begin;
    builder->queries = left < ATTENTION_QUERY_TILE ? (int)left : ATTENTION_QUERY_TILE;
    memset(builder->at, 0, sizeof builder->at);
    for (int query = 0; query < builder->queries; query++)
        ask(schedule, pass, query_begin + query, &builder->keys[query]);
    struct outlook outlook;
    for (int64_t key_tile = 0; (outlook = look(builder, key_tile)).next != INT64_MAX; key_tile = outlook.next)
        if (outlook.seen)
            add_tile(builder, (struct attention_tile){.query_begin = (int32_t)query_begin,
                                                      .key_begin = (int32_t)(key_tile * ATTENTION_KEY_TILE),
                                                      .repeats = (int32_t)(outlook.next - key_tile),
                                                      .mask = -1});
}

static bool add_pass(struct builder *builder, struct attention_pass *pass)
{
    struct attention_schedule *schedule = builder->schedule;
    builder->heads = 0;
    for (int64_t head = 0; head < schedule->n_head; head++)
        builder->heads += attention_serves(schedule, pass, head);
    for (int64_t i = 0; i < schedule->query_tiles; i++) {
        pass->first_tile[i] = schedule->tile_count;
        add_query_tile(builder, pass, i * ATTENTION_QUERY_TILE);
    }
    pass->first_tile[schedule->query_tiles] = schedule->tile_count;
    return schedule->tile_count <= INT32_MAX && builder->mask_count <= INT32_MAX / ATTENTION_KEY_TILE;
}

// Marks what one tile multiplies against the keys from `key_begin` on, in positions.
static void mark_tile(const struct attention_schedule *schedule, const struct attention_pass *pass,
                      const struct attention_tile *tile, int64_t key_begin, bool *visited)
{
    int64_t time = schedule->time;
    for (int64_t key = 0; key < ATTENTION_KEY_TILE && key_begin + key < time; key++) {
        struct span lanes = visited_lanes(tile, (int)(key / ATTENTION_KEY_BLOCK));
        for (int64_t lane = lanes.begin; lane < lanes.end && tile->query_begin + lane < time; lane++)
            visited[pass->order[tile->query_begin + lane] * time + pass->order[key_begin + key]] = true;
    }
}

bool *attention_visited(const struct attention_schedule *schedule, int64_t head, struct arena *arena)
{
    bool *visited = arena_allocate(arena, (size_t)(schedule->time * schedule->time), sizeof *visited);
    for (const struct attention_pass *pass = schedule->passes; pass < schedule->passes + schedule->pass_count; pass++)
        for (int64_t i = pass->first_tile[0]; i < pass->first_tile[schedule->query_tiles]; i++)
            for (int64_t repeat = 0; attention_serves(schedule, pass, head) && repeat < schedule->tiles[i].repeats; repeat++)
                mark_tile(schedule, pass, &schedule->tiles[i], schedule->tiles[i].key_begin + repeat * ATTENTION_KEY_TILE,
                          visited);
    return visited;
}

// ---- The whole --------------------------------------------------------------------------------------------------------------

// Which heads are the same; passes for the first of each kind.
static bool open_passes(struct attention_schedule *schedule, struct arena *arena, struct error *error)
{
    const struct attention_pattern *pattern = schedule->pattern;
    int64_t time = schedule->time, n_head = schedule->n_head;
    int passes = pattern->passes ? pattern->passes : 1, kinds = 0;
    schedule->same_as = arena_allocate(arena, (size_t)n_head, sizeof *schedule->same_as);
    for (int64_t head = 0; head < n_head; head++) {
        int64_t same = pattern->same_as ? pattern->same_as(schedule->options, head) : 0;
        if (same < 0 || same > head || (same < head && schedule->same_as[same] != same))
            return error_add(error,
                             "attention pattern: head %lld is the same as %lld, which is not the first of its kind; "
                             "mend the component's `same_as`",
                             (long long)head, (long long)same);
        schedule->same_as[head] = same;
        kinds += same == head;
    }
    schedule->passes = arena_allocate(arena, (size_t)(kinds * passes), sizeof *schedule->passes);
    for (int64_t head = 0; head < n_head; head++)
        for (int number = 0; schedule->same_as[head] == head && number < passes; number++) {
            struct attention_pass *pass = &schedule->passes[schedule->pass_count++];
            *pass = (struct attention_pass){.head = head, .number = number};
            pass->order = arena_allocate(arena, (size_t)time, sizeof *pass->order);
            pass->first_tile = arena_allocate(arena, (size_t)(schedule->query_tiles + 1), sizeof *pass->first_tile);
            if (!fill_order(schedule, pass, error))
                return false;
        }
    for (int first = 0; first < schedule->pass_count; first += passes)
        if (!queries_are_sound(schedule, schedule->passes + first, schedule->passes + first + passes, error))
            return false;
    return true;
}

static bool fill_schedule(struct builder *builder, struct arena *arena, struct error *error)
{
    struct attention_schedule *schedule = builder->schedule;
    for (int i = 0; i < schedule->pass_count; i++)
        if (!add_pass(builder, &schedule->passes[i]))
            return error_add(error, "attention pattern: it needs more than %d tiles or masks; take a shorter sequence",
                             INT32_MAX / ATTENTION_KEY_TILE);
    size_t tiles = (size_t)schedule->tile_count, words = (size_t)builder->mask_count * ATTENTION_KEY_TILE;
    schedule->tiles = arena_allocate(arena, tiles, sizeof *schedule->tiles);
    schedule->masks = arena_allocate(arena, words, sizeof *schedule->masks);
    if (tiles)
        memcpy(schedule->tiles, builder->tiles, tiles * sizeof *schedule->tiles);
    if (words)
        memcpy(schedule->masks, builder->masks, words * sizeof *schedule->masks);
    return true;
}

bool attention_schedule_open(struct attention_schedule *schedule, const struct attention_pattern *pattern, const void *options,
                             const struct attention_layout *layout, struct arena *arena, struct error *error)
{
    if (layout->time < 1 || layout->time > INT32_MAX - ATTENTION_KEY_TILE)
        return error_add(error, "attention over %lld positions: a sequence has 1 to %d", (long long)layout->time,
                         INT32_MAX - ATTENTION_KEY_TILE);
    *schedule = (struct attention_schedule){
        .pattern = pattern,
        .options = options,
        .time = layout->time,
        .n_head = layout->n_head,
        .causal = layout->causal,
        .query_tiles = (layout->time + ATTENTION_QUERY_TILE - 1) / ATTENTION_QUERY_TILE,
    };
    struct builder builder = {.schedule = schedule};
    bool done = open_passes(schedule, arena, error) && fill_schedule(&builder, arena, error);
    free(builder.tiles);
    free(builder.masks);
    for (int query = 0; query < ATTENTION_QUERY_TILE; query++)
        free(builder.keys[query].spans);
    return done;
}
