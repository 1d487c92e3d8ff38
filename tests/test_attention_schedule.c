// test_attention_schedule.c: what of a pattern the schedule of tiles shows and visits, and the patterns it refuses.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "fixture_attention.h"

// Every visible pair stands in exactly one tile, inside the lanes of its block, and no other pair does.
static void check_schedule(const struct attention_pattern *pattern, const void *options, int64_t time, const char *name)
{
    struct arena arena = {0};
    struct error error = {0};
    struct attention_schedule schedule;
    cr_assert(attention_schedule_open(&schedule, pattern, options, time, &arena, &error), "%s", error.text);
    unsigned char *shown = memory_allocate((size_t)(time * time), 1);
    for (int pass = 0; pass < schedule.passes; pass++)
        for (int64_t t = schedule.first_tile[pass * schedule.query_tiles];
             t < schedule.first_tile[(pass + 1) * schedule.query_tiles]; t++) {
            const struct attention_tile *tile = schedule.tiles + t;
            for (int key = 0; key < ATTENTION_KEY_TILE; key++)
                for (int query = 0; query < ATTENTION_QUERY_TILE; query++) {
                    if (tile->mask >= 0 && !(schedule.masks[tile->mask + key] >> query & 1))
                        continue;
                    const struct span lanes = {tile->lanes[key / ATTENTION_KEY_BLOCK].begin,
                                               tile->lanes[key / ATTENTION_KEY_BLOCK].end};
                    cr_assert(query >= lanes.begin && query < lanes.end, "%s: a visible pair lies outside its block's lanes",
                              name);
                    const int32_t *order = schedule.order + pass * time;
                    shown[order[tile->query_begin + query] * time + order[tile->key_begin + key]]++;
                }
        }
    int64_t visible = 0;
    for (int64_t i = 0; i < time * time; i++) {
        int want = 0;
        for (int pass = 0; pass < schedule.passes; pass++)
            want += pattern->sees(options, pass, i / time, i % time);
        visible += want;
        cr_assert(shown[i] == want, "%s, T %lld: pair (%lld, %lld) is shown %d times, not %d", name, (long long)time,
                  (long long)(i / time), (long long)(i % time), shown[i], want);
    }
    cr_expect_eq(schedule.visible_pairs, visible);
    free(shown);
    arena_close(&arena);
}

Test(attention_schedule, shows_every_visible_pair_once)
{
    for (int i = 0; i < LENGTHS; i++) {
        check_schedule(&attention_full.attention.pattern, NULL, lengths[i], "full");
        check_schedule(&strided, NULL, lengths[i], "strided");
        for (int j = 0; j < WINDOWS; j++)
            check_schedule(&attention_sliding.attention.pattern, &windows[j], lengths[i], "sliding");
    }
}

// The kernel is worth its schedule: pairs multiplied over pairs seen.
Test(attention_schedule, visits_little_more_than_it_shows)
{
    static const struct {
        const struct component *component;
        struct sliding options;
        int64_t time;
        double most;
    } cases[] = {
        {&attention_full, {0, 0}, 256, 1.06},     {&attention_full, {0, 0}, 2048, 1.01},
        {&attention_sliding, {64, 1}, 1024, 1.3}, {&attention_sliding, {256, 1}, 2048, 1.1},
        {&attention_sliding, {64, 8}, 2048, 1.3}, {&attention_sliding, {32, 16}, 2048, 1.6},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena = {0};
        struct error error = {0};
        struct attention_schedule schedule;
        cr_assert(attention_schedule_open(&schedule, &cases[i].component->attention.pattern, &cases[i].options, cases[i].time,
                                          &arena, &error),
                  "%s", error.text);
        double ratio = (double)schedule.visited_pairs / (double)schedule.visible_pairs;
        cr_expect(ratio <= cases[i].most, "case %zu: %.3f pairs multiplied for one seen, at most %g expected", i, ratio,
                  cases[i].most);
        arena_close(&arena);
    }
}

static bool past_alone(const void *options, int pass, int64_t query, int64_t key)
{
    (void)options, (void)pass;
    return key < query;
}
static void constant_order(const void *options, int pass, int64_t time, int32_t *order)
{
    (void)options, (void)pass;
    memset(order, 0, (size_t)time * sizeof *order);
}

// A component's mistake must be named when a model is planned, not show as NaN or a wrong loss later.
Test(attention_schedule, broken_patterns_are_refused)
{
    static const struct {
        struct attention_pattern pattern;
        const char *says;
    } cases[] = {
        {{.spans = all_spans, .sees = past_alone}, "query 0 sees no key"},
        {{.passes = 2, .spans = all_spans, .sees = everything}, "sees key 0 in two passes"},
        {{.order = constant_order, .spans = all_spans, .sees = everything}, "not a permutation"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena = {0};
        struct error error = {0};
        struct attention_schedule schedule;
        cr_expect(!attention_schedule_open(&schedule, &cases[i].pattern, NULL, 40, &arena, &error));
        cr_expect(strstr(error.text, cases[i].says), "said: %s", error.text);
        arena_close(&arena);
    }
}

// A full list widens its last span rather than lose a key.
Test(attention_schedule, a_full_span_list_still_covers_everything)
{
    struct span_list list = {.count = 0};
    for (int64_t i = 0; i < 2 * SPAN_LIST_MAX; i++)
        span_list_add(&list, 10 * i - 5, 10 * i + 1);
    cr_assert_eq(list.count, SPAN_LIST_MAX);
    cr_expect_eq(list.spans[0].begin, 0);
    cr_expect_eq(list.spans[SPAN_LIST_MAX - 1].end, 10 * (2 * SPAN_LIST_MAX - 1) + 1);
}
