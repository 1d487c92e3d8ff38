// test_lsh.c: hashed attention beside what the conformance laws and the oracle hold it to: sizes, hashes, refusals, longer
// models.
#include <criterion/criterion.h>
#include <string.h>

#include "base/random.h"
#include "check/conformance.h"
#include "check/probe.h"
#include "registry/run.h"
#include "tensor/lane.h"
#include "tensor/ops.h"

// The design's number up to 128 buckets; above, two even factors near the root, so that hashing costs T sqrt(T) and not T^2.
Test(lsh, buckets_are_twice_the_chunks_and_factored_above_128)
{
    static const struct {
        int64_t time, chunk, buckets;
    } exact[] = {{24, 24, 1}, {24, 64, 1}, {36, 4, 18}, {40, 6, 14}, {25, 24, 4}, {4096, 64, 128}};
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++) {
        struct lsh lsh = lsh_of(exact[i].time, exact[i].chunk, 2);
        cr_expect(lsh.factors[1] == 1 && lsh_buckets(&lsh) == exact[i].buckets,
                  "%lld positions in chunks of %lld: %lld buckets", (long long)exact[i].time, (long long)exact[i].chunk,
                  (long long)lsh_buckets(&lsh));
    }
    for (int64_t time = 4097; time < 1 << 20; time += time / 7) {
        struct lsh lsh = lsh_of(time, 64, 1);
        int64_t least = 2 * ((time + 63) / 64), buckets = lsh_buckets(&lsh);
        cr_expect(lsh.factors[0] % 2 == 0 && lsh.factors[1] % 2 == 0);
        cr_expect(lsh.factors[0] >= lsh.factors[1] && lsh.factors[0] <= lsh.factors[1] + 6, "factors %lld and %lld",
                  (long long)lsh.factors[0], (long long)lsh.factors[1]);
        cr_expect(buckets >= least && buckets <= least + 2 * lsh.factors[0], "%lld buckets instead of %lld", (long long)buckets,
                  (long long)least);
    }
}

// Twice the length, twice the memory: nothing of a sort grows with the pairs.
Test(lsh, memory_is_linear_in_the_length)
{
    for (int64_t chunk = 16; chunk <= 256; chunk *= 4) {
        struct lsh once = lsh_of(16384, chunk, 4), twice = lsh_of(32768, chunk, 4);
        double ratio = (double)lsh_workspace(&twice, 32768) / (double)lsh_workspace(&once, 16384);
        cr_expect(ratio > 1.9 && ratio < 2.1, "chunk %lld: %.3f", (long long)chunk, ratio);
    }
}

// ---- The hash itself --------------------------------------------------------------------------------------------------------

enum { TIME = 7, HEADS = 2, HEAD_DIM = 3, STEP = 5 };

static bool plan_source(struct graph *graph, struct node *node, struct error *error)
{
    (void)error;
    graph_output(graph, node, HEADS * HEAD_DIM);
    return true;
}
static const struct op source = {.name = "source", .plan = plan_source};

// argmax([x R; -x R]) over columns [begin, begin + count), from the documented draws and nothing else.
static int64_t hash_by_definition(const struct lsh_hash *hash, const double *x, int64_t head, int64_t round, int64_t begin,
                                  int64_t count, uint64_t step)
{
    uint64_t key = random_key(hash->seed, hash->name, step), row = (uint64_t)head << 32 | (uint64_t)round;
    int64_t best = -1;
    double most = 0;
    for (int64_t i = 0; i < 2 * count; i++) {
        uint64_t column = (uint64_t)(begin + i % count);
        double sum = 0;
        for (uint64_t d = 0; d < HEAD_DIM; d++)
            sum += (i < count ? 1 : -1) * x[d] * random_normal(key, row, d << 32 | column);
        if (best < 0 || sum > most) {
            best = i;
            most = sum;
        }
    }
    return best;
}

// The oracle's cases have one hash and bring their rotations; this is what is drawn, and two hashes as factors. In training the
// step counts, elsewhere step 0 does.
static void check_hash(const struct lsh *lsh, bool training)
{
    struct graph graph;
    struct parameters parameters = {0};
    struct error error = {0};
    const struct lsh_hash hash = {.lsh = *lsh, .n_head = HEADS, .head_dim = HEAD_DIM, .seed = 3, .name = "rotations"};
    struct {
        double x[TIME * HEADS * HEAD_DIM];
        int32_t buckets[TIME * HEADS * 4];
    } arena;
    graph_open(&graph, GRAPH_EVAL, REAL_DOUBLE, 1, TIME, &parameters, &error);
    struct tensor *rows = graph_op(&graph, &source, NULL, NULL, 0);
    struct tensor *hashed = op_lsh_hash(&graph, rows, NULL, &hash);
    cr_assert(hashed, "%s", error.text);
    for (int i = 0; i < TIME * HEADS * HEAD_DIM; i++)
        arena.x[i] = random_normal(1, (uint64_t)i, 0);
    void *workspace = memory_allocate(1, hashed->producer->workspace);
    hashed->offset = sizeof arena.x;
    struct lane lane = {.graph = &graph,
                        .arena = (unsigned char *)&arena,
                        .workspace = workspace,
                        .parts = 1,
                        .training = training,
                        .step = STEP};
    int32_t plain[TIME * HEADS * 4];
    lsh_hash_rows(&hash, arena.x, TIME, plain);
    hashed->producer->op->kernels[REAL_DOUBLE]->forward(hashed->producer, (struct span){0, TIME}, &lane);
    for (int64_t t = 0; t < TIME; t++)
        for (int64_t head = 0; head < HEADS; head++)
            for (int64_t round = 0; round < lsh->rounds; round++) {
                const double *row = arena.x + (t * HEADS + head) * HEAD_DIM;
                int64_t first = lsh->factors[0] / 2, second = lsh->factors[1] / 2, step = training ? STEP : 0;
                int64_t want = hash_by_definition(&hash, row, head, round, 0, first, (uint64_t)step);
                if (second)
                    want = want * lsh->factors[1] + hash_by_definition(&hash, row, head, round, first, second, (uint64_t)step);
                int32_t got = arena.buckets[(t * HEADS + head) * lsh->rounds + round];
                cr_expect_eq(got, want, "row %lld, head %lld, round %lld: bucket %d, not %lld", (long long)t, (long long)head,
                             (long long)round, got, (long long)want);
                if (!training)
                    cr_expect_eq(plain[(t * HEADS + head) * lsh->rounds + round], want, "without a graph: row %lld",
                                 (long long)t);
            }
    free(workspace);
    graph_close(&graph);
}

Test(lsh, a_bucket_is_the_largest_rotated_coordinate)
{
    static const struct lsh hashes[] = {{1, 2, {2, 1}}, {1, 4, {14, 1}}, {1, 3, {40, 1}}, {1, 4, {6, 4}}, {1, 1, {24, 22}}};
    for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++)
        for (int training = 0; training < 2; training++)
            check_hash(&hashes[i], training);
}

// ---- Models -----------------------------------------------------------------------------------------------------------------

static struct run run_of(const char *attention, int64_t time, struct arena *arena)
{
    struct run run;
    struct error error = {0};
    subject_run(&run, NULL, SUBJECT_DEFAULTS, arena);
    run.model.seq_len = time;
    run_set(&run, "heads", "mha", arena, &error);
    run_set(&run, "attention", attention, arena, &error);
    cr_assert(run_resolve(&run, &error), "%s", error.text);
    return run;
}

// Tiles, chunks and buckets all have borders within these positions: a later token may move none of what earlier ones add up.
Test(lsh, later_tokens_change_no_bit_of_earlier_logits)
{
    enum { LENGTH = 150 };
    struct arena arena = {0};
    static const char *const attentions[] = {"lsh(chunk=9, rounds=3)", "lsh(chunk=70, rounds=2)", "lsh(chunk=1, rounds=2)"};
    for (size_t i = 0; i < sizeof attentions / sizeof *attentions; i++) {
        struct run run = run_of(attentions[i], LENGTH, &arena);
        struct probe probe;
        struct error error = {0};
        const struct probe_request request = {
            .run = &run, .real = REAL_FLOAT, .mode = GRAPH_EVAL, .sequences = 1, .time = LENGTH, .threads = 1, .lanes = 1};
        cr_assert(probe_open(&probe, &request, &error), "%s", error.text);
        size_t row = (size_t)run.model.vocab * sizeof(float);
        float *before = memory_allocate(LENGTH, row);
        for (int64_t t = LENGTH - 1; t > 0; t -= 7) {
            probe_forward(&probe);
            memcpy(before, probe.logits, LENGTH * row);
            probe.tokens[t] = (probe.tokens[t] + 1) % (int32_t)run.model.vocab;
            probe_forward(&probe);
            cr_expect_eq(memcmp(before, probe.logits, (size_t)t * row), 0, "%s: the token at %lld", attentions[i],
                         (long long)t);
            cr_expect_neq(memcmp(before, probe.logits, LENGTH * row), 0, "%s: the token at %lld changes nothing", attentions[i],
                          (long long)t);
        }
        free(before);
        probe_close(&probe);
    }
    arena_close(&arena);
}

// A tile may begin anywhere, so its last block of keys may end behind the last key: there are zeros, and not what another
// buffer holds. Workspaces start as NaN here, and NaN times a weight of zero is NaN.
Test(lsh, what_lies_behind_the_last_key_counts_for_nothing)
{
    enum { LENGTH = 2 * ATTENTION_KEY_TILE };
    struct arena arena = {0};
    struct run run = run_of("lsh(chunk=9, rounds=3)", LENGTH, &arena);
    struct probe probes[2];
    for (int poison = 0; poison < 2; poison++) {
        struct error error = {0};
        const struct probe_request request = {.run = &run,
                                              .real = REAL_FLOAT,
                                              .mode = GRAPH_TRAIN,
                                              .sequences = 2,
                                              .time = LENGTH,
                                              .threads = 1,
                                              .lanes = 1,
                                              .poison = poison};
        cr_assert(probe_open(&probes[poison], &request, &error), "%s", error.text);
        probe_train(&probes[poison]);
    }
    cr_expect_eq(memcmp(&probes[0].totals, &probes[1].totals, sizeof probes[0].totals), 0, "losses %g and %g",
                 probes[0].totals.loss_sum, probes[1].totals.loss_sum);
    cr_expect_eq(memcmp(executor_gradients(probes[0].executor), executor_gradients(probes[1].executor),
                        probes[0].parameters.elements * sizeof(float)),
                 0, "gradients differ");
    probe_close(&probes[0]);
    probe_close(&probes[1]);
    arena_close(&arena);
}

// Rotations lie beside the weights and are none: arms of different chunks have the same size, and one can be evaluated as
// another.
Test(lsh, rotations_are_no_parameters)
{
    struct arena arena = {0};
    struct error error = {0};
    int64_t counts[2];
    static const char *const attentions[] = {"lsh(chunk=64)", "lsh(chunk=4, rounds=3)"};
    for (int i = 0; i < 2; i++) {
        struct run run = run_of(attentions[i], 40, &arena);
        struct parameters parameters = {0};
        struct graph graph;
        const struct model_request request = {.mode = GRAPH_TRAIN, .real = REAL_FLOAT, .sequences = 1, .time = 40};
        cr_assert(model_build(&graph, &run, &request, &parameters, &error), "%s", error.text);
        counts[i] = model_parameter_count(&parameters, true);
        graph_close(&graph);
        parameters_free(&parameters);
        cr_assert(run_set(&run, "eval_as", "[\"lsh(chunk=8, rounds=2)\", \"lsh(chunk=64)\"]", &arena, &error), "%s",
                  error.text);
        cr_expect(model_eval_as_fits(&run, &error), "%s", error.text);
    }
    cr_expect_eq(counts[0], counts[1], "%lld and %lld parameters", (long long)counts[0], (long long)counts[1]);
    arena_close(&arena);
}

Test(lsh, what_has_no_meaning_is_refused)
{
    static const struct {
        const char *pair, *reason;
    } refusals[] = {
        {"heads=gqa(kv_heads=2)", "cannot share"},
        {"heads=mqa", "cannot share"},
        {"qk_norm=rms", "set qk_norm: none"},
        {"model.causal=false", "set model.causal: true"},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct arena arena = {0};
        struct error error = {0};
        struct run run = run_of("lsh", 13, &arena);
        cr_assert(run_set_pair(&run, refusals[i].pair, &arena, &error), "%s", error.text);
        run.slots[SLOT_DATA] = (struct setting){.count = 1}; // which would refuse model.causal: false first
        cr_expect_not(run_resolve(&run, &error), "%s is accepted", refusals[i].pair);
        cr_expect(strstr(error.text, refusals[i].reason), "%s: %s", refusals[i].pair, error.text);
        arena_close(&arena);
    }
}
