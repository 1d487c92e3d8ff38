// attention_lsh.c: from hashes to tiles; see attention_lsh.h. The attention op calls it for every head, within a step.
//
// A bucket's keys are cut into tiles counted from the bucket's first place. What a query adds up, and in which groups, then
// depends on the positions before it alone, so that no later token changes a bit of its output.
#include "tensor/attention_lsh.h"

#include <math.h>
#include <string.h>

// ---- Sizes ------------------------------------------------------------------------------------------------------------------

static int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

struct lsh lsh_of(int64_t time, int64_t chunk, int64_t rounds)
{
    int64_t buckets = time <= chunk ? 1 : 2 * divide_up(time, chunk), factor = 2;
    struct lsh lsh = {.chunk = chunk, .rounds = rounds, .factors = {buckets, 1}};
    if (buckets <= LSH_FACTORED)
        return lsh;
    while (factor * factor < buckets)
        factor += 2;
    lsh.factors[0] = factor;
    lsh.factors[1] = 2 * divide_up(buckets, 2 * factor);
    return lsh;
}

void lsh_schedule_plan(struct attention_schedule *schedule, const struct lsh *lsh, const struct attention_layout *layout,
                       struct arena *arena)
{
    double time = (double)layout->time, pairs = time * (time - 1) / 2;
    double seen = 1 - pow(1 - 1 / (double)lsh_buckets(lsh), (double)lsh->rounds);
    *schedule = (struct attention_schedule){
        .time = layout->time,
        .n_head = layout->n_head,
        .causal = layout->causal,
        .pass_count = (int)lsh->rounds,
        .query_tiles = divide_up(layout->time, ATTENTION_QUERY_TILE),
        .visible_pairs = (int64_t)((1 + pairs * seen) * (double)layout->n_head), // the first query sees itself
    };
    schedule->same_as = arena_allocate(arena, (size_t)layout->n_head, sizeof *schedule->same_as);
    for (int64_t head = 0; head < layout->n_head; head++)
        schedule->same_as[head] = head;
}

// A query tile meets keys of the bucket that its first query is in, and of buckets that begin within it.
static int64_t tiles_of_query_tile(const struct lsh *lsh, int64_t time)
{
    int64_t reach = 2 * lsh->chunk < time ? 2 * lsh->chunk : time;
    return (reach + ATTENTION_KEY_TILE + ATTENTION_QUERY_TILE) / ATTENTION_KEY_TILE + 2;
}

// The arrays of a sort, one behind the other. With `sorted` they are handed out.
static size_t lay_out(struct lsh_sorted *sorted, const struct lsh *lsh, int64_t time, void *workspace)
{
    size_t rounds = (size_t)lsh->rounds, length = (size_t)time, bytes = 0;
    size_t query_tiles = (size_t)divide_up(time, ATTENTION_QUERY_TILE);
    size_t tiles = query_tiles * (size_t)tiles_of_query_tile(lsh, time);
    struct lsh_sorted unused = {0}, *to = sorted ? sorted : &unused;
    int64_t *first_tile;
    const struct {
        void *array;
        size_t bytes;
    } arrays[] = {
        {&to->order, rounds * length * sizeof *to->order},
        {&to->chunks, rounds * length * sizeof *to->chunks},
        {&to->alone, length * sizeof *to->alone},
        {&to->counts, (size_t)lsh_buckets(lsh) * sizeof *to->counts},
        {&to->first, query_tiles * ATTENTION_QUERY_TILE * sizeof *to->first},
        {&to->end, query_tiles * ATTENTION_QUERY_TILE * sizeof *to->end},
        {&to->bucket, query_tiles * ATTENTION_QUERY_TILE * sizeof *to->bucket},
        {&to->schedule.passes, rounds * sizeof *to->schedule.passes},
        {&to->schedule.tiles, tiles * sizeof *to->schedule.tiles},
        {&to->schedule.masks, tiles * ATTENTION_KEY_TILE * sizeof *to->schedule.masks},
        {&first_tile, (query_tiles + 1) * sizeof *first_tile},
    };
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        void *here = workspace ? (char *)workspace + bytes : NULL;
        memcpy(arrays[i].array, &here, sizeof here);
        bytes += size_align(arrays[i].bytes);
    }
    for (int round = 0; sorted && round < lsh->rounds; round++)
        sorted->schedule.passes[round] =
            (struct attention_pass){.number = round, .order = sorted->order + round * time, .first_tile = first_tile};
    return bytes;
}

bool lsh_fits(const struct lsh *lsh, int64_t time)
{
    return divide_up(time, ATTENTION_QUERY_TILE) * tiles_of_query_tile(lsh, time) <= INT32_MAX / ATTENTION_KEY_TILE;
}

size_t lsh_workspace(const struct lsh *lsh, int64_t time) { return lay_out(NULL, lsh, time, NULL); }

void lsh_sorted_open(struct lsh_sorted *sorted, const struct lsh *lsh, const struct attention_schedule *planned,
                     void *workspace)
{
    *sorted = (struct lsh_sorted){.lsh = lsh, .schedule = *planned};
    sorted->schedule.visible_pairs = sorted->schedule.visited_pairs = 0;
    lay_out(sorted, lsh, planned->time, workspace);
}

// ---- Sorting ----------------------------------------------------------------------------------------------------------------

// One round's positions by (bucket, position), and their chunks numbered in that order.
static void sort_round(struct lsh_sorted *sorted, int64_t round, const int32_t *buckets, int64_t stride)
{
    int64_t time = sorted->schedule.time, chunk = sorted->lsh->chunk, count = lsh_buckets(sorted->lsh);
    int32_t *order = sorted->order + round * time, *counts = sorted->counts, place = 0;
    uint32_t *chunks = sorted->chunks + round * time, number = 0;
    memset(counts, 0, (size_t)count * sizeof *counts);
    for (int64_t t = 0; t < time; t++)
        counts[buckets[t * stride + round]]++;
    for (int64_t bucket = 0; bucket < count; bucket++) {
        int32_t size = counts[bucket];
        counts[bucket] = place;
        place += size;
    }
    for (int64_t t = 0; t < time; t++)
        order[counts[buckets[t * stride + round]]++] = (int32_t)t;
    for (int64_t i = 0, rank = 0; i < time; i++, rank++) {
        bool begins = i == 0 || buckets[order[i] * stride + round] != buckets[order[i - 1] * stride + round];
        rank = begins ? 0 : rank;
        number += begins ? 2 : rank % chunk == 0;
        chunks[order[i]] = number;
        sorted->alone[order[i]] &= begins;
    }
}

void lsh_sort_head(struct lsh_sorted *sorted, int64_t head, const int32_t *buckets, int64_t stride)
{
    memset(sorted->alone, 1, (size_t)sorted->schedule.time);
    for (int64_t round = 0; round < sorted->lsh->rounds; round++) {
        sort_round(sorted, round, buckets, stride);
        sorted->schedule.passes[round].head = head;
    }
}

// ---- Tiles ------------------------------------------------------------------------------------------------------------------

// What each place of a round sees. Behind the end of the sequence: nothing.
static void fill_ranges(struct lsh_sorted *sorted, int round)
{
    int64_t time = sorted->schedule.time;
    const int32_t *order = sorted->order + round * time;
    const uint32_t *chunks = sorted->chunks + round * time;
    int32_t bucket = 0, own = 0, previous = 0; // where the bucket, the chunk and the one before it begin
    for (int32_t i = 0; i < sorted->schedule.query_tiles * ATTENTION_QUERY_TILE; i++) {
        if (i >= time) {
            sorted->first[i] = sorted->end[i] = sorted->bucket[i] = INT32_MAX;
            continue;
        }
        uint32_t step = i ? chunks[order[i]] - chunks[order[i - 1]] : 2;
        if (step > 1)
            bucket = own = previous = i;
        else if (step == 1) {
            previous = own;
            own = i;
        }
        sorted->bucket[i] = bucket;
        sorted->first[i] = previous;
        sorted->end[i] = i + (round == 0 && sorted->alone[order[i]]);
    }
}

// The queries of a tile: what they see, and their chunks in earlier rounds.
struct queries {
    int round;
    int64_t begin, end;
    uint32_t chunks[LSH_ROUNDS_MAX][ATTENTION_QUERY_TILE];
};

static void gather_queries(const struct lsh_sorted *sorted, int round, int64_t tile, struct queries *queries)
{
    int64_t time = sorted->schedule.time, begin = tile * ATTENTION_QUERY_TILE, end = begin + ATTENTION_QUERY_TILE;
    queries->round = round;
    queries->begin = begin;
    queries->end = end < time ? end : time;
    for (int earlier = 0; earlier < round; earlier++)
        for (int64_t i = 0; i < ATTENTION_QUERY_TILE; i++)
            queries->chunks[earlier][i] =
                i < queries->end - begin ? sorted->chunks[earlier * time + sorted->order[round * time + begin + i]] : 0;
}

// The queries of the tile that see the key at a place, and have not seen it in an earlier round: a bit each.
static uint32_t queries_of_key(const struct lsh_sorted *sorted, const struct queries *queries, int32_t key)
{
    const int32_t *first = sorted->first + queries->begin, *end = sorted->end + queries->begin;
    int64_t time = sorted->schedule.time, position = sorted->order[queries->round * time + key];
    uint32_t seen[ATTENTION_QUERY_TILE], word = 0;
    for (uint32_t i = 0; i < ATTENTION_QUERY_TILE; i++)
        seen[i] = (uint32_t)((first[i] <= key) & (key < end[i])) << i;
    for (int earlier = 0; earlier < queries->round; earlier++) {
        const uint32_t chunk = sorted->chunks[earlier * time + position], *chunks = queries->chunks[earlier];
        for (int i = 0; i < ATTENTION_QUERY_TILE; i++)
            seen[i] = chunks[i] - chunk > 1 ? seen[i] : 0;
    }
    for (int i = 0; i < ATTENTION_QUERY_TILE; i++)
        word |= seen[i];
    return word;
}

// Keys [begin, end), at most ATTENTION_KEY_TILE of them; the rows behind them belong to other tiles.
static void add_tile(struct lsh_sorted *sorted, const struct queries *queries, int32_t begin, int32_t end)
{
    struct attention_schedule *schedule = &sorted->schedule;
    uint32_t *mask = schedule->masks + schedule->tile_count * ATTENTION_KEY_TILE;
    int64_t visible = 0;
    for (int32_t key = 0; key < ATTENTION_KEY_TILE; key++) {
        mask[key] = begin + key < end ? queries_of_key(sorted, queries, begin + key) : 0;
        visible += __builtin_popcount(mask[key]);
    }
    if (visible == 0)
        return;
    struct attention_tile tile = {.query_begin = (int32_t)queries->begin,
                                  .key_begin = begin,
                                  .repeats = 1,
                                  .mask = (int32_t)(mask - schedule->masks)};
    schedule->visible_pairs += visible;
    schedule->visited_pairs += attention_tile_lanes(&tile, mask);
    schedule->tiles[schedule->tile_count++] = tile;
}

// The queries' buckets one after the other. Pieces that lie side by side within ATTENTION_KEY_TILE share a tile: what is masked
// changes no bit of what is not.
static void add_query_tile(struct lsh_sorted *sorted, const struct queries *queries)
{
    int32_t tile_begin = -1, tile_end = -1;
    for (int64_t i = queries->begin, next; i < queries->end; i = next) {
        int32_t bucket = sorted->bucket[i], begin = sorted->first[i];
        for (next = i; next < queries->end && sorted->bucket[next] == bucket;)
            next++;
        begin = bucket + (begin - bucket) / ATTENTION_KEY_TILE * ATTENTION_KEY_TILE;
        for (; begin < next; begin += ATTENTION_KEY_TILE) {
            int32_t end = begin + ATTENTION_KEY_TILE < next ? begin + ATTENTION_KEY_TILE : (int32_t)next;
            if (tile_begin >= 0 && end > tile_begin + ATTENTION_KEY_TILE) {
                add_tile(sorted, queries, tile_begin, tile_end);
                tile_begin = -1;
            }
            tile_begin = tile_begin < 0 ? begin : tile_begin;
            tile_end = end;
        }
    }
    add_tile(sorted, queries, tile_begin, tile_end);
}

void lsh_sort_pass(struct lsh_sorted *sorted, int round)
{
    struct attention_schedule *schedule = &sorted->schedule;
    int64_t *first_tile = schedule->passes[round].first_tile;
    struct queries queries;
    schedule->tile_count = 0;
    fill_ranges(sorted, round);
    for (int64_t tile = 0; tile < schedule->query_tiles; tile++) {
        first_tile[tile] = schedule->tile_count;
        gather_queries(sorted, round, tile, &queries);
        add_query_tile(sorted, &queries);
    }
    first_tile[schedule->query_tiles] = schedule->tile_count;
}

void lsh_count_shown(const struct lsh_sorted *sorted, int round, unsigned char *shown)
{
    const struct attention_schedule *schedule = &sorted->schedule;
    const int32_t *order = schedule->passes[round].order;
    for (const struct attention_tile *tile = schedule->tiles; tile < schedule->tiles + schedule->tile_count; tile++)
        for (int key = 0; key < ATTENTION_KEY_TILE; key++)
            for (uint32_t word = schedule->masks[tile->mask + key]; word; word &= word - 1) {
                int64_t query = order[tile->query_begin + __builtin_ctz(word)];
                shown[query * schedule->time + order[tile->key_begin + key]]++;
            }
}
