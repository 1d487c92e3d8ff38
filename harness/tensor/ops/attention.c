// attention.c: the attention op: softmax over tiles of scores, forward and backward, without an n x n matrix.
//
// Forward keeps a running (max, sum, output) per query and saves the log-sum-exp; backward rebuilds the probabilities from it
// (FlashAttention 2, arXiv 2307.08691, algorithms 1 and 2). The schedule says which tiles are visited and what is masked in
// them; masked pairs are exact zeros, so nothing that a query does not see changes a bit of its result. Sums run in the order
// of (pass, query tile, key), fixed by the schedule: a sequence gives the same bits alone and in a batch. Components reach it
// through op_attention alone, which takes the explicit reference instead where attention->explicit_scores says so.
#ifndef REAL

#include "base/cpu.h"
#include "tensor/attention_lsh.h"
#include "tensor/lane.h"
#include "tensor/ops.h"
#include "tensor/ops/attention_bf16.h"
#include "tensor/ops/attention_panel.h"
#include "tensor/vector_math.h"

#include <float.h>
#include <string.h>

enum { ROWS_AHEAD = 8 };      // how far ahead of a copied row memory is asked for the one to come
enum { QUERY_GROUP = 4 };     // query tiles that meet a tile of keys while it is in the cache
enum { WIDTH_MULTIPLE = 16 }; // of a packed row: whole vectors of either REAL

#define ALWAYS_INLINE __attribute__((always_inline))
#if defined __x86_64__
#define KEEP_IN_REGISTER(vector) __asm__("" : "+v"(vector))
#else
#define KEEP_IN_REGISTER(vector) __asm__("" : "+w"(vector))
#endif
#define LOG2_E 1.4426950408889634074
#define LN_2   0.69314718055994530942

// The workspace of one call, three shapes after each other. Packed rows are head_dim wide, zero-padded to `width`.
enum buffer {
    // [group][query tile][width], or transposed: [group][width][query tile]
    QUERY_ROWS, // scaled
    QUERY,      // scaled, transposed
    OUTPUT_GRADIENT_ROWS,
    OUTPUT_GRADIENT, // transposed
    OUTPUT,          // transposed; in backward the queries' gradient
    QUERY_BUFFERS,
    // [places][width], of one head in the order of the pass; positions [places]
    KEY = QUERY_BUFFERS,
    VALUE,
    KEY_GRADIENT,
    VALUE_GRADIENT,
    KEY_POSITION,
    // [key tile][query tile]
    SCORES,          // then probabilities
    SCORE_GRADIENTS, // backward: of the probabilities, then of the scores
    CAPPED,          // tanh of the scores
    BUFFER_COUNT,
};

// What the CPU's units for bfloat16 multiply, in their orders of operands (attention_bf16.h); behind the buffers, where there
// are such units.
enum operand {
    // [group][width / 2][query tile][2]
    QUERY_PAIRS,
    OUTPUT_GRADIENT_PAIRS,
    // [group][query tile / 2][width][2]
    QUERY_ROW_PAIRS,
    OUTPUT_GRADIENT_ROW_PAIRS,
    QUERY_OPERANDS,
    // [places][width]
    KEY_ROWS = QUERY_OPERANDS,
    VALUE_ROWS, // backward
    // [key tiles][width][key tile]
    KEY_COLUMNS,   // backward
    VALUE_COLUMNS, // forward
    // [key tile][query tile], or in pairs of keys
    PROBABILITY_ROWS,     // backward
    PROBABILITY_PAIRS,    // forward
    SCORE_GRADIENT_ROWS,  // backward
    SCORE_GRADIENT_PAIRS, // backward
    OPERAND_COUNT,
};
enum copying { COPY_AS_IT_IS, COPY_ROUNDED, COPY_ADDED };

// Whole tiles; where hashes decide, a tile may begin at any place, and its last block end behind the last one.
static size_t padded_places(const struct node *node)
{
    const struct attention *attention = node->attributes;
    size_t places = (size_t)attention->schedule->time + (attention->lsh ? ATTENTION_KEY_BLOCK : 0);
    return (places + ATTENTION_KEY_TILE - 1) / ATTENTION_KEY_TILE * ATTENTION_KEY_TILE;
}

static int64_t padded_width(const struct node *node)
{
    const struct attention *attention = node->attributes;
    int64_t multiple = node->prepared ? BF16_BLOCK : WIDTH_MULTIPLE;
    return (attention->head_dim + multiple - 1) / multiple * multiple;
}

static size_t operand_elements(const struct node *node, enum operand operand)
{
    size_t width = (size_t)padded_width(node);
    if (!node->prepared)
        return 0;
    if (operand < QUERY_OPERANDS)
        return QUERY_GROUP * ATTENTION_QUERY_TILE * width;
    return operand < PROBABILITY_ROWS ? padded_places(node) * width : ATTENTION_KEY_TILE * ATTENTION_QUERY_TILE;
}

static size_t buffer_elements(const struct node *node, enum buffer buffer)
{
    size_t width = (size_t)padded_width(node), places = padded_places(node);
    if (buffer < QUERY_BUFFERS)
        return QUERY_GROUP * ATTENTION_QUERY_TILE * width;
    if (buffer < KEY_POSITION)
        return places * width;
    return buffer == KEY_POSITION ? places : ATTENTION_KEY_TILE * ATTENTION_QUERY_TILE;
}

static size_t buffer_bytes(const struct node *node, enum real real)
{
    size_t elements = 0;
    for (enum buffer buffer = 0; buffer < BUFFER_COUNT; buffer++)
        elements += buffer_elements(node, buffer);
    return elements * real_size(real);
}

// NULL: operands are rounded and multiplied in REAL.
static const struct attention_bf16 *bf16_units(const struct graph *graph)
{
    if (graph->way.format != GEMM_BF16 || !graph->way.native || graph->real != REAL_FLOAT)
        return NULL;
#ifdef __x86_64__
    enum cpu_isa isa = cpu_isa();
    if (isa >= CPU_ISA_AMX && attention_amx_allowed())
        return &attention_amx;
    if (isa >= CPU_ISA_AVX512_BF16)
        return &attention_avx512_bf16;
#endif
    return NULL;
}

static bool plan_tiled(struct graph *graph, struct node *node, struct error *error)
{
    const struct attention *attention = node->attributes;
    if (!attention_plan(graph, node, error))
        return false;
    if (attention->lsh && !lsh_fits(attention->lsh, graph->time))
        return error_add(error, "chunks of %lld of %lld positions need more than %d tiles; take smaller ones",
                         (long long)attention->lsh->chunk, (long long)graph->time, INT32_MAX / ATTENTION_KEY_TILE);
    node->prepared = attention->lsh ? NULL : bf16_units(graph); // whose operands lie in whole tiles
    node->workspace = buffer_bytes(node, graph->real);
    for (enum operand operand = 0; operand < OPERAND_COUNT; operand++)
        node->workspace += operand_elements(node, operand) * sizeof(uint16_t);
    if (attention->lsh)
        node->workspace = size_align(node->workspace) + lsh_workspace(attention->lsh, graph->time);
    return true;
}

#include "tensor/twice.h"
#include "attention.c"
#include "tensor/twice.h"
#include "attention.c"
#include "tensor/twice.h"

const struct op attention_tiled = {
    .name = "attention",
    .rows = OP_ROWS_HEADS,
    .keeps = OP_KEEPS_INPUT_0 | OP_KEEPS_INPUT_1 | OP_KEEPS_INPUT_2 | OP_KEEPS_INPUT_3 | OP_KEEPS_OUTPUT_0,
    .attributes_size = sizeof(struct attention),
    .plan = plan_tiled,
    .cost = attention_cost,
    .kernels = {[REAL_FLOAT] = &kernels_float, [REAL_DOUBLE] = &kernels_double},
};

struct tensor *op_attention(struct graph *graph, struct tensor *query, struct tensor *key, struct tensor *value,
                            const struct attention *attention)
{
    struct tensor *inputs[] = {query, key, value};
    if (!attention->explicit_scores)
        return graph_op(graph, &attention_tiled, attention, inputs, 3);
    bool **visible = arena_allocate(&graph->arena, (size_t)attention->n_head, sizeof *visible);
    for (int64_t head = 0; head < attention->n_head; head++) {
        int64_t same = attention->schedule->same_as[head];
        visible[head] = same < head ? visible[same] : attention_visible(attention->schedule, head, &graph->arena);
    }
    struct attention shown = *attention;
    shown.visible = visible;
    return graph_op(graph, &attention_explicit, &shown, inputs, 3);
}

struct tensor *op_hashed_attention(struct graph *graph, struct tensor *query, struct tensor *key, struct tensor *value,
                                   struct tensor *buckets, const struct attention *attention)
{
    struct tensor *inputs[] = {query, key, value, buckets};
    return graph_op(graph, attention->explicit_scores ? &attention_explicit : &attention_tiled, attention, inputs, 4);
}

#else

#include "tensor/ops/attention_tile.h"
#include "tensor/ops/attention_work.h"
#include "tensor/ops/attention_units.h"
#include "tensor/ops/attention_scores.h"

// ---- Forward --------------------------------------------------------------------------------------------------------------

// The running state: nothing yet, or what earlier passes left in the output and the log-sum-exps.
static void NAME(start_queries)(const WORK *work, QUERIES *queries, const struct node *node, const struct lane *lane,
                                int64_t head)
{
    REAL *const *buffers = queries->buffers;
    queries->fresh = work->pass->number == 0;
    if (queries->fresh) {
        memset(buffers[OUTPUT], 0, (size_t)(work->width * TILE) * sizeof(REAL));
        for (int c = 0; c < COLUMNS; c++) {
            queries->max[c] = NAME(splat)(LOWEST);
            queries->sum[c] = (VECTOR){0};
        }
        return;
    }
    HEAD output = NAME(query_head)(work, lane_output(node, 0, lane), head);
    NAME(pack_tile)(work, output, queries->places, 1, false, buffers[QUERY_ROWS], buffers[OUTPUT]);
    NAME(read_log_sums)(work, queries, node, lane, head, queries->max);
    for (int c = 0; c < COLUMNS; c++) {
        NAME(lanes) began = queries->max[c] > LOWEST;
        queries->max[c] = NAME(select)(began, queries->max[c], NAME(splat)(LOWEST));
        queries->sum[c] = NAME(keep)(began, NAME(splat)(1));
    }
}

// output = sum of weighted values / sum of weights; log-sum-exp = max + log(sum). -infinity: the query saw nothing so far.
static void NAME(finish_queries)(const WORK *work, QUERIES *queries, const struct node *node, const struct lane *lane,
                                 int64_t head)
{
    REAL *output = queries->buffers[OUTPUT], log_sums[TILE], maxima[TILE];
    memcpy(log_sums, queries->sum, sizeof log_sums);
    memcpy(maxima, queries->max, sizeof maxima);
    for (int i = 0; i < TILE; i++)
        log_sums[i] = maxima[i] * (REAL)LN_2 + NAME(log_of)(log_sums[i]);
    for (int64_t place = queries->places.begin, i = 0; place < queries->places.end; place++, i++)
        *NAME(log_sum_at)(work, node, lane, head, place) = log_sums[i];
    for (int c = 0; c < COLUMNS; c++) {
        VECTOR share = 1 / NAME(select)(queries->sum[c] == 0, NAME(splat)(1), queries->sum[c]);
        for (int64_t at = c * LANES; at < work->rows * TILE; at += TILE)
            NAME(store)(output + at, NAME(load)(output + at) * share);
    }
    NAME(transpose)(output, work->width, TILE, queries->buffers[QUERY_ROWS]);
    HEAD to = NAME(query_head)(work, lane_output(node, 0, lane), head);
    NAME(unpack)(work, queries->buffers[QUERY_ROWS], queries->places, 1, false, to);
}

static void NAME(forward_head)(WORK *work, const struct node *node, const struct lane *lane, int64_t head)
{
    QUERIES *const all = work->queries;
    for (int64_t first = 0; first < work->schedule->query_tiles; first += QUERY_GROUP) {
        NAME(pack_group)(work, node, lane, head, first);
        for (int i = 0; i < work->query_count; i++) {
            NAME(start_queries)(work, all + i, node, lane, head);
            NAME(round_queries)(work, all + i, false);
        }
        for (QUERIES *queries; (queries = NAME(next_queries)(work)); NAME(take_tile)(queries))
            NAME(forward_tile)(work, queries, &queries->tile);
        for (int i = 0; i < work->query_count; i++)
            NAME(finish_queries)(work, all + i, node, lane, head);
    }
}

static void NAME(forward)(const struct node *node, struct span rows, struct lane *lane)
{
    WORK work;
    NAME(work_open)(&work, node, rows, lane);
    if (work.units && work.units->begin)
        work.units->begin();
    const struct attention *attention = work.attention;
    int64_t group = attention->n_head / attention->kv_heads, time = work.schedule->time;
    const struct span heads = lane_share(lane, attention->n_head);
    for (; work.first_row < rows.end; work.first_row += time)
        for (int64_t begin = heads.begin, end; begin < heads.end; begin = end) {
            int64_t kv_head = begin / group;
            end = (kv_head + 1) * group < heads.end ? (kv_head + 1) * group : heads.end;
            for (int pass = 0; pass < work.schedule->pass_count; pass++)
                if (NAME(begin_pass)(&work, node, lane, kv_head, pass)) {
                    NAME(round_keys)(&work, false);
                    for (int64_t head = begin; head < end; head++)
                        if (attention_serves(work.schedule, work.pass, head))
                            NAME(forward_head)(&work, node, lane, head);
                }
        }
    if (work.units && work.units->end)
        work.units->end();
    double share = (double)(heads.end - heads.begin) / (double)attention->n_head;
    double times = attention->lsh ? 1 : share * (double)((rows.end - rows.begin) / time); // a sort has counted them all
    lane->visited_pairs += times * (double)work.schedule->visited_pairs;
    lane->visible_pairs += times * (double)work.schedule->visible_pairs;
    lane->counted_flops +=
        share * attention_cost(node, (rows.end - rows.begin) / time, time).phases[PHASE_FORWARD].product_flops;
}

// ---- Backward -------------------------------------------------------------------------------------------------------------

// The output's gradient as rows and transposed, rowsum(dO O) and the log-sum-exps of the tile's queries; their gradient is 0.
static void NAME(pack_output_gradient)(const WORK *work, QUERIES *queries, const struct node *node, const struct lane *lane,
                                       int64_t head)
{
    REAL *const *buffers = queries->buffers;
    HEAD output = NAME(query_head)(work, lane_output(node, 0, lane), head);
    HEAD gradient = NAME(query_head)(work, lane_output_gradient(node, 0, lane), head);
    // The output passes through the places of its gradient's rows and of the queries' gradient.
    NAME(pack_tile)(work, output, queries->places, 1, false, buffers[OUTPUT_GRADIENT_ROWS], buffers[OUTPUT]);
    NAME(pack_tile)(work, gradient, queries->places, 1, work->bf16, buffers[OUTPUT_GRADIENT_ROWS], buffers[OUTPUT_GRADIENT]);
    NAME(read_log_sums)(work, queries, node, lane, head, queries->log_sum);
    for (int c = 0; c < COLUMNS; c++) {
        queries->dot[c] = (VECTOR){0};
        for (int64_t at = c * LANES; at < work->rows * TILE; at += TILE)
            queries->dot[c] += NAME(load)(buffers[OUTPUT] + at) * NAME(load)(buffers[OUTPUT_GRADIENT] + at);
    }
    memset(buffers[OUTPUT], 0, (size_t)(work->width * TILE) * sizeof(REAL));
}

static void NAME(backward_head)(WORK *work, const struct node *node, const struct lane *lane, int64_t head)
{
    QUERIES *const all = work->queries;
    HEAD gradient = NAME(query_head)(work, lane_input_gradient(node, 0, lane), head);
    bool add = work->pass->number > 0 || lane_accumulates(node, 0, lane);
    for (int64_t first = 0; first < work->schedule->query_tiles; first += QUERY_GROUP) {
        NAME(pack_group)(work, node, lane, head, first);
        for (int i = 0; i < work->query_count; i++) {
            NAME(pack_output_gradient)(work, all + i, node, lane, head);
            NAME(round_queries)(work, all + i, true);
        }
        for (QUERIES *queries; (queries = NAME(next_queries)(work)); NAME(take_tile)(queries))
            NAME(backward_tile)(work, queries, &queries->tile);
        for (int i = 0; i < work->query_count; i++) {
            REAL *const *buffers = all[i].buffers;
            NAME(transpose)(buffers[OUTPUT], work->width, TILE, buffers[QUERY_ROWS]);
            NAME(unpack)(work, buffers[QUERY_ROWS], all[i].places, work->scale, add, gradient);
        }
    }
}

// One kv head in one pass, whose keys are packed: its query heads in order, then its own gradients, which are added when an
// earlier pass left some.
static void NAME(backward_group)(WORK *work, const struct node *node, const struct lane *lane, int64_t kv_head, bool add_keys)
{
    const struct attention *attention = work->attention;
    int64_t group = attention->n_head / attention->kv_heads;
    REAL *const *buffers = work->buffers;
    NAME(round_keys)(work, true);
    memset(buffers[KEY_GRADIENT], 0, buffer_elements(node, KEY_GRADIENT) * sizeof(REAL));
    memset(buffers[VALUE_GRADIENT], 0, buffer_elements(node, VALUE_GRADIENT) * sizeof(REAL));
    for (int64_t head = kv_head * group; head < (kv_head + 1) * group; head++)
        if (attention_serves(work->schedule, work->pass, head))
            NAME(backward_head)(work, node, lane, head);
    for (int input = 1; input <= 2; input++) {
        HEAD to = NAME(key_head)(work, lane_input_gradient(node, input, lane), kv_head);
        bool add = add_keys || lane_accumulates(node, input, lane);
        REAL *from = buffers[input == 1 ? KEY_GRADIENT : VALUE_GRADIENT];
        NAME(unpack)(work, from, (struct span){0, work->schedule->time}, input == 1 ? work->key_factor : 1, add, to);
    }
}

// Shares of kv heads, so that a key's gradient has one owner.
static void NAME(backward)(const struct node *node, struct span rows, struct lane *lane)
{
    WORK work;
    NAME(work_open)(&work, node, rows, lane);
    if (work.units && work.units->begin)
        work.units->begin();
    int64_t time = work.schedule->time, kv_heads = work.attention->kv_heads;
    const struct span heads = lane_share(lane, kv_heads);
    for (; work.first_row < rows.end; work.first_row += time)
        for (int64_t kv_head = heads.begin; kv_head < heads.end; kv_head++) {
            bool add_keys = false;
            for (int pass = 0; pass < work.schedule->pass_count; pass++)
                if (NAME(begin_pass)(&work, node, lane, kv_head, pass)) {
                    NAME(backward_group)(&work, node, lane, kv_head, add_keys);
                    add_keys = true;
                }
        }
    if (work.units && work.units->end)
        work.units->end();
    double share = (double)(heads.end - heads.begin) / (double)kv_heads;
    lane->counted_flops +=
        share * attention_cost(node, (rows.end - rows.begin) / time, time).phases[PHASE_BACKWARD].product_flops;
}

static const struct kernels NAME(kernels) = {.forward = NAME(forward), .backward = NAME(backward)};

#undef TILE
#undef LOWEST
#undef WORK
#undef HEAD
#undef QUERIES
#undef PRODUCT
#undef VECTOR
#undef UNALIGNED
#undef LANES
#undef COLUMNS
#undef EXP2_CUT
#undef BF16_DROPPED

#endif
