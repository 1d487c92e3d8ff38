// component_laws.c: see component_laws.h.
#include "check/component_laws.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "check/attention_laws.h"
#include "check/lsh_laws.h"
#include "check/probe.h"
#include "check/subject.h"
#include "registry/run.h"

enum { TIME = 13, SEQUENCES = 2 };

// Two ways to write what must be the same model, to rounding: a component at its limit, and the one it becomes there.
struct limit {
    enum slot slot;
    const char *name, *at_limit, *becomes;
};
static const struct limit limits[] = {
    {SLOT_ATTENTION, "sliding", "sliding(window=13)", "full"},
    {SLOT_ATTENTION, "sliding", "sliding(window=4096, dilation=1)", "full"},
    {SLOT_ATTENTION, "sliding", "sliding(window=3, dilation=2, dilated_heads=0)", "sliding(window=3)"},
    {SLOT_ATTENTION, "sliding", "sliding(window=3, dilation=2, dilated_heads=4)", "sliding(window=3, dilation=2)"},
    {SLOT_ATTENTION, "longformer", "longformer(window=5, globals=0)", "sliding(window=5)"},
    {SLOT_ATTENTION, "longformer", "longformer(window=13)", "full"},
    {SLOT_ATTENTION, "longformer", "longformer(window=1, globals=13)", "full"},
    {SLOT_ATTENTION, "strided", "strided(stride=1)", "full"},
    {SLOT_ATTENTION, "strided", "strided(stride=13)", "full"},
    {SLOT_ATTENTION, "fixed", "fixed(stride=13, summary=1)", "full"},
    {SLOT_ATTENTION, "fixed", "fixed(stride=4, summary=4)", "full"},
    {SLOT_ATTENTION, "lsh", "lsh(chunk=13, rounds=7)", "lsh(chunk=4096, rounds=1)"},
    {SLOT_HEADS, "gqa", "gqa(kv_heads=4)", "mha"},
    {SLOT_HEADS, "gqa", "gqa(kv_heads=1)", "mqa"},
    {SLOT_ATTN_SOFTCAP, "tanh", "tanh(cap=1e9)", "none"},
    {SLOT_LOGIT_SOFTCAP, "tanh", "tanh(cap=1e9)", "none"},
    {SLOT_DROPOUT, "on", "on(rate=0)", "off"},
    {SLOT_Z_LOSS, "on", "on(coef=0)", "off"},
    {SLOT_SCHEDULE, "linear", "linear(floor=1)", "constant"},
    {SLOT_SCHEDULE, "cosine", "cosine(floor=1)", "constant"},
    {SLOT_SCHEDULE, "exponential", "exponential(floor=1)", "constant"},
    {SLOT_SCHEDULE, "wsd", "wsd(floor=1)", "constant"},
    {SLOT_SCHEDULE, "sgdr", "sgdr(floor=1)", "constant"},
    {SLOT_SCHEDULE, "step", "step(factor=1)", "constant"},
};

// One model of a limit, trained a step in double.
static bool train_with(struct probe *probe, struct run *run, enum slot slot, const char *value, struct arena *arena,
                       struct error *error)
{
    subject_run(run, NULL, SUBJECT_DEFAULTS, arena);
    if (slot == SLOT_HEADS)
        run_set(run, "heads", "mha", arena, error);
    if (!run_set(run, slot_facts[slot].name, value, arena, error))
        return false;
    subject_unshare_heads(run, arena);
    if (!run_resolve(run, error))
        return false;
    const struct probe_request request = {
        .run = run, .real = REAL_DOUBLE, .mode = GRAPH_TRAIN, .sequences = SEQUENCES, .time = TIME, .threads = 1, .lanes = 1};
    if (!probe_open(probe, &request, error))
        return false;
    probe_train(probe);
    return true;
}

static double factor(const struct run *run, int64_t step, int64_t steps)
{
    const struct choice *schedule = run_choice(run, SLOT_SCHEDULE, 0);
    return schedule->component->schedule.factor(&schedule->options, step, steps, 10);
}

static bool same_schedule(const struct run *a, const struct run *b, struct text *seen)
{
    for (int64_t step = 0; step < 50; step++)
        if (fabs(factor(a, step, 50) - factor(b, step, 50)) > 1e-12) {
            text_add(seen, "step %lld: %g and %g", (long long)step, factor(a, step, 50), factor(b, step, 50));
            return false;
        }
    return true;
}

static bool limit_holds(const struct limit *limit, struct arena *arena, struct text *seen)
{
    struct probe at = {0}, becomes = {0};
    struct run run_at, run_becomes;
    struct error error = {0};
    bool holds = train_with(&at, &run_at, limit->slot, limit->at_limit, arena, &error) &&
                 train_with(&becomes, &run_becomes, limit->slot, limit->becomes, arena, &error);
    if (!holds)
        text_add(seen, "%.*s", (int)strcspn(error.text, "\n"), error.text);
    else if (limit->slot == SLOT_SCHEDULE)
        holds = same_schedule(&run_at, &run_becomes, seen);
    else {
        const double *a = executor_gradients(at.executor), *b = executor_gradients(becomes.executor);
        double largest = 0, apart = fabs(probe_objective(&at) - probe_objective(&becomes));
        holds = at.parameters.elements == becomes.parameters.elements;
        for (size_t i = 0; holds && i < at.parameters.elements; i++) {
            largest = fmax(largest, fabs(b[i]));
            apart = fmax(apart, fabs(a[i] - b[i]));
        }
        // A cap of 1e9 still bends a score of 1 by 1e-18 / 3: far below rounding.
        if (!holds || !(apart <= 1e-10 * fmax(1, largest))) {
            text_add(seen, "%s and %s differ by %.2g", limit->at_limit, limit->becomes, apart);
            holds = false;
        }
    }
    probe_close(&at);
    probe_close(&becomes);
    return holds;
}

// ---- Laws of the slots that do not shape the model; each takes the component's options at their defaults.

static bool optimizer_law(const struct run *run, struct text *seen)
{
    enum { COUNT = 100, SPLIT = 37 };
    const struct choice *choice = run_choice(run, SLOT_OPTIMIZER, 0);
    const struct optimizer_calls *calls = &choice->component->optimizer;
    float values[2][COUNT], gradient[COUNT], state[2][OPTIMIZER_STATE_MAX][COUNT] = {0};
    for (int i = 0; i < COUNT; i++) {
        values[0][i] = values[1][i] = (float)random_normal(1, (uint64_t)i, 0);
        gradient[i] = (float)random_normal(2, (uint64_t)i, 0);
    }
    // Whole, and in two pieces: the executor may cut a tensor anywhere.
    for (int64_t t = 0; t < 4; t++) {
        const struct optimizer_step step = {.lr = 0.01, .peak_lr = 0.01, .step = t, .scale = 0.5, .decays = true};
        for (int way = 0; way < 2; way++) {
            float *all[OPTIMIZER_STATE_MAX] = {state[way][0], state[way][1]};
            float *rest[OPTIMIZER_STATE_MAX] = {state[way][0] + SPLIT, state[way][1] + SPLIT};
            double measured = calls->measures ? calls->measure(&choice->options, &step, COUNT, gradient, all) : 0;
            calls->apply(&choice->options, &step, way ? SPLIT : COUNT, values[way], gradient, all, measured, COUNT);
            if (way)
                calls->apply(&choice->options, &step, COUNT - SPLIT, values[way] + SPLIT, gradient + SPLIT, rest, measured,
                             COUNT);
        }
    }
    for (int i = 0; i < COUNT; i++) {
        if (!isfinite(values[0][i]) || memcmp(&values[0][i], &values[1][i], sizeof(float))) {
            text_add(seen, "element %d is %g whole and %g in pieces", i, (double)values[0][i], (double)values[1][i]);
            return false;
        }
    }
    // Down the slope of |value|^2 / 2 (the gradient is the value), the norm must fall.
    double before = 0, after = 0;
    memset(state, 0, sizeof state);
    for (int i = 0; i < COUNT; i++)
        before += (double)values[0][i] * (double)values[0][i];
    memcpy(gradient, values[0], sizeof gradient);
    const struct optimizer_step step = {.lr = 0.001, .peak_lr = 0.001, .step = 0, .scale = 1};
    float *all[OPTIMIZER_STATE_MAX] = {state[0][0], state[0][1]};
    double measured = calls->measures ? calls->measure(&choice->options, &step, COUNT, gradient, all) : 0;
    calls->apply(&choice->options, &step, COUNT, values[0], gradient, all, measured, COUNT);
    for (int i = 0; i < COUNT; i++)
        after += (double)values[0][i] * (double)values[0][i];
    if (after >= before)
        text_add(seen, "a step down the slope of |x|^2 goes from %g to %g", before, after);
    return after < before;
}

static bool schedule_law(const struct run *run, struct text *seen)
{
    for (int64_t steps = 1; steps <= 300; steps = steps * 3 + 1) {
        if (factor(run, 0, steps) != 1) {
            text_add(seen, "the first step after warm-up has %g of the peak", factor(run, 0, steps));
            return false;
        }
        for (int64_t step = 0; step < steps; step++)
            if (!(factor(run, step, steps) >= 0 && factor(run, step, steps) <= 1)) {
                text_add(seen, "step %lld of %lld has %g of the peak", (long long)step, (long long)steps,
                         factor(run, step, steps));
                return false;
            }
    }
    return true;
}

// Without a run to start from there is nothing to read: the refusal must be a line for a person.
static bool source_law(const struct run *run, struct text *seen)
{
    struct run resolved = *run;
    struct error error = {0};
    bool holds = !run_resolve(&resolved, &error) && error.count == 1 && error.length > 10;
    text_add(seen, "not refused with a reason, though it names no run");
    return holds;
}

static bool init_law(const struct run *run, struct text *seen)
{
    const struct choice *choice = run_choice(run, SLOT_INIT, 0);
    if (choice->component->init.source)
        return source_law(run, seen);
    for (enum parameter_role role = ROLE_EMBEDDING; role <= ROLE_BRANCH_OUT; role++) {
        const struct parameter parameter = {.role = role, .rank = 2, .shape = {64, 32}, .count = 64 * 32};
        double deviation = choice->component->init.deviation(&choice->options, &parameter, &run->model);
        if (!(deviation > 0 && deviation <= 1)) {
            text_add(seen, "a standard deviation of %g", deviation);
            return false;
        }
    }
    return true;
}

enum { EXAMPLE = 64, EXAMPLES = 8 };
struct example {
    int32_t tokens[EXAMPLE], targets[EXAMPLE];
};

static bool example_is_sane(const struct example *example, const struct model_scalars *model)
{
    bool counts = false;
    for (int64_t t = 0; t < EXAMPLE; t++) {
        int32_t token = example->tokens[t], target = example->targets[t];
        if (token < 0 || token >= model->vocab || target < -1 || target >= model->vocab)
            return false;
        counts |= target >= 0;
    }
    return counts;
}

// Each example is read twice over what another has left, and must be like no other of any part.
static bool examples_law(const struct dataset *dataset, struct text *seen)
{
    struct example examples[DATA_PARTS * EXAMPLES];
    int count = 0;
    for (int part = 0; part < DATA_PARTS; part++)
        for (int64_t i = 0; i < EXAMPLES && i < dataset->examples[part]; i++, count++) {
            struct example *own = &examples[count], again;
            memset(&again, part, sizeof again);
            dataset_example(dataset, (enum data_part)part, i, own->tokens, own->targets);
            dataset_example(dataset, (enum data_part)part, i, again.tokens, again.targets);
            bool same = !memcmp(own, &again, sizeof again);
            for (int j = 0; same && j < count; j++)
                same = memcmp(own, &examples[j], sizeof *own) != 0;
            if (same && example_is_sane(own, &dataset->run->model))
                continue;
            text_add(seen, "example %lld of part %d %s", (long long)i, part,
                     same ? "has a token outside the vocabulary, or no target that counts"
                          : "is not the same when read again, or the same as another");
            return false;
        }
    return count > 0;
}

static bool data_law(const struct run *small, struct text *seen)
{
    struct run roomy = *small;
    const struct run *run = &roomy;
    struct dataset once, again;
    struct error error = {0};
    roomy.model.seq_len = roomy.model.vocab = EXAMPLE;
    bool holds = dataset_open(&once, run, &error);
    if (!holds) { // data that needs a path has none here: its refusal must be a line for a person
        holds = error.count == 1 && error.length > 10;
        text_add(seen, "refused without a reason");
        return holds;
    }
    holds = dataset_open(&again, run, &error);
    if (!holds || strcmp(once.hash, again.hash)) {
        text_add(seen, "opened twice, it is not the same data");
        holds = false;
    }
    if (once.run)
        return examples_law(&once, seen) && holds;
    for (int part = 0; holds && part < DATA_PARTS; part++)
        for (int64_t i = once.parts[part].begin; holds && i < once.parts[part].end; i++)
            if (once.tokens[i] >= once.vocab || (once.surprise && !isfinite(once.surprise[i]))) {
                text_add(seen, "token %lld is %d, of a vocabulary of %lld", (long long)i, once.tokens[i],
                         (long long)once.vocab);
                holds = false;
            }
    for (int part = 1; holds && part < DATA_PARTS; part++)
        if (once.parts[part].begin < once.parts[part - 1].end) {
            text_add(seen, "its parts overlap");
            holds = false;
        }
    dataset_close(&once);
    dataset_close(&again);
    return holds;
}

enum concern { HASHED_OR_NOT, NOT_HASHED, HASHED }; // attention whose hashes decide who sees whom
struct law {
    enum slot slot;
    const char *name, *reason;
    bool (*holds)(const struct run *run, struct text *seen);
    enum concern concerns;
};
static const struct law laws[] = {
    {SLOT_OPTIMIZER, "pieces", "a tensor updated in pieces gets the same bits, and a step down a slope goes down",
     optimizer_law, HASHED_OR_NOT},
    {SLOT_SCHEDULE, "range", "the factor starts at 1 after warm-up and stays from 0 to 1", schedule_law, HASHED_OR_NOT},
    {SLOT_INIT, "spread", "initial weights have a finite spread above zero, or a run that they come from", init_law,
     HASHED_OR_NOT},
    {SLOT_ATTENTION, "reach", "a gradient is exactly zero where the layers cannot look, and only there", attention_reach_law,
     HASHED_OR_NOT},
    {SLOT_ATTENTION, "tiles", "at 16384 tokens, at most two pairs are multiplied for one that is seen", attention_tiles_law,
     NOT_HASHED},
    {SLOT_ATTENTION, "visible", "every round's tiles show the pairs that the definition adds to the rounds before",
     lsh_visible_law, HASHED},
    {SLOT_ATTENTION, "union", "outputs and gradients are those of a softmax over all rounds' pairs, each counted once",
     lsh_union_law, HASHED},
    {SLOT_ATTENTION, "rounds", "twice as many rounds come closer to attention over all keys", lsh_rounds_law, HASHED},
    {SLOT_ATTENTION, "tiles", "at 16384 tokens, at most four pairs are multiplied for one that is seen", lsh_tiles_law, HASHED},
    {SLOT_DATA, "same data", "opened twice it is the same; tokens lie in the vocabulary, parts apart", data_law, HASHED_OR_NOT},
};

bool component_laws_check(const struct component *component, struct arena *arena, finding_report *report, void *context)
{
    bool all = true;
    for (size_t i = 0; i < sizeof laws / sizeof *laws; i++) {
        struct run run;
        struct text seen = {0};
        if (laws[i].slot != component->slot || laws[i].concerns == (subject_hashes(component) ? NOT_HASHED : HASHED))
            continue;
        subject_run(&run, component, SUBJECT_DEFAULTS, arena);
        bool holds = laws[i].holds(&run, &seen);
        const char *failure = text_keep(&seen, arena);
        report(context, component,
               &(struct finding){laws[i].name, laws[i].reason, holds ? CONFORMS : FAILS, component->name,
                                 holds ? NULL : failure});
        all &= holds;
    }
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct text seen = {0};
        if (limits[i].slot != component->slot || strcmp(limits[i].name, component->name))
            continue;
        bool holds = limit_holds(&limits[i], arena, &seen);
        const char *failure = text_keep(&seen, arena);
        report(context, component,
               &(struct finding){"limit", arena_format(arena, "%s equals %s", limits[i].at_limit, limits[i].becomes),
                                 holds ? CONFORMS : FAILS, limits[i].at_limit, holds ? NULL : failure});
        all &= holds;
    }
    return all;
}
