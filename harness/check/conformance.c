// conformance.c: the table of properties, and each of them.
//
// Every property takes a subject, a component in a small run, and answers whether it holds, or what was seen instead.
#include "check/conformance.h"

#include <malloc.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/component_laws.h"
#include "base/random.h"
#include "check/probe.h"

// Sequences that lanes share, tiles that fit neither passes nor shares.
enum { TIME = 13, PREFIX = 9, SEQUENCES = 3, LANES = 2, TILE_ROWS = 8 };

static const double gradient_limit = 1e-6; // relative, in double
static const double equal_limit = 1e-12;   // the same sums in another order, in double
static const double inverse_limit = 1e-10; // the same where b is had back from b + f, of which f may be much the larger
const double conformance_float_limit = 5e-4;

static bool saw(struct text *seen, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool saw(struct text *seen, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    text_add_list(seen, format, arguments);
    va_end(arguments);
    return false;
}

static struct probe_request usual(const struct run *run, enum real real, enum graph_mode mode)
{
    return (struct probe_request){.run = run,
                                  .real = real,
                                  .mode = mode,
                                  .sequences = SEQUENCES,
                                  .time = TIME,
                                  .threads = 1,
                                  .lanes = LANES,
                                  .tile_rows = TILE_ROWS};
}

static bool opened(struct probe *probe, const struct probe_request *request, struct text *seen)
{
    struct error error = {0};
    return probe_open(probe, request, &error) || saw(seen, "%.*s", (int)strcspn(error.text, "\n"), error.text);
}

// The central difference of the objective when a tensor moves `step` along a random direction and back.
static double quotient(struct probe *probe, const struct parameter *parameter, uint64_t key, double step)
{
    double *values = (double *)probe->parameters.values + parameter->offset, objective[2];
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < parameter->count; i++)
            values[i] += (side ? -2 : 1) * step * random_normal(key, i, 0);
        probe_train(probe);
        objective[side] = probe_objective(probe);
    }
    for (size_t i = 0; i < parameter->count; i++)
        values[i] += step * random_normal(key, i, 0);
    return (objective[0] - objective[1]) / (2 * step);
}

// Two steps and Richardson's extrapolation: the error falls with the fourth power of the step, so rounding stays harmless.
static bool direction_agrees(struct probe *probe, const struct parameter *parameter, const double *gradients, double largest,
                             struct text *seen)
{
    const double step = 2e-6;
    double along = 0;
    uint64_t key = random_key(7, parameter->name, 0);
    for (size_t i = 0; i < parameter->count; i++)
        along += gradients[parameter->offset + i] * random_normal(key, i, 0);
    double measured = (4 * quotient(probe, parameter, key, step / 2) - quotient(probe, parameter, key, step)) / 3;
    double scale = fmax(fabs(along), 0.01 * largest);
    if (fabs(measured - along) <= gradient_limit * scale)
        return true;
    return saw(seen, "%s: the gradient says %.10g and the difference quotient %.10g", parameter->name, along, measured);
}

static bool gradients(const struct run *run, struct text *seen)
{
    struct probe probe;
    struct probe_request request = usual(run, REAL_DOUBLE, GRAPH_TRAIN);
    if (!opened(&probe, &request, seen))
        return false;
    probe_train(&probe);
    size_t elements = probe.parameters.elements;
    double *kept = memory_allocate(elements, sizeof *kept), largest = 0;
    memcpy(kept, executor_gradients(probe.executor), elements * sizeof *kept);
    for (size_t i = 0; i < elements; i++)
        largest = fmax(largest, fabs(kept[i]));
    bool holds = largest > 0 || saw(seen, "every gradient is zero");
    for (int i = 0; holds && i < probe.parameters.count; i++)
        if (probe.parameters.list[i].role != ROLE_CONSTANT)
            holds = direction_agrees(&probe, &probe.parameters.list[i], kept, largest, seen);
    free(kept);
    probe_close(&probe);
    return holds;
}

static bool reference(const struct run *run, struct text *seen)
{
    struct error error = {0};
    char where[TENSOR_NAME_SIZE];
    double worst;
    if (!conformance_against_reference(run, SEQUENCES, TIME, &worst, where, &error))
        return saw(seen, "%.*s", (int)strcspn(error.text, "\n"), error.text);
    return worst <= conformance_float_limit || saw(seen, "%s differs by %.2g", where, worst);
}

static bool causality(const struct run *run, struct text *seen)
{
    struct probe probe;
    struct probe_request request = usual(run, REAL_FLOAT, GRAPH_EVAL);
    if (!opened(&probe, &request, seen))
        return false;
    bool holds = true;
    size_t row = (size_t)run->model.vocab * sizeof(float), bytes = SEQUENCES * TIME * row;
    unsigned char *before = memory_allocate(bytes, 1);
    for (int64_t t = TIME - 1; holds && t > 0; t -= 3) {
        probe_forward(&probe);
        memcpy(before, probe.logits, bytes);
        probe.tokens[TIME + t] = (probe.tokens[TIME + t] + 1) % (int32_t)run->model.vocab;
        probe_forward(&probe);
        if (memcmp(before + TIME * row, (unsigned char *)probe.logits + TIME * row, (size_t)t * row))
            holds = saw(seen, "another token at position %lld changes logits before it", (long long)t);
    }
    free(before);
    probe_close(&probe);
    return holds;
}

// The largest difference of two steps' gradients, over the norm of all; in double.
static double gradients_apart(const struct probe *a, const struct probe *b)
{
    const double *got = executor_gradients(a->executor), *want = executor_gradients(b->executor);
    double apart = 0;
    for (size_t i = 0; i < b->parameters.elements; i++)
        apart = isfinite(got[i]) ? fmax(apart, fabs(got[i] - want[i])) : INFINITY;
    return apart / executor_gradient_norm(b->executor);
}

// Trains one step in each of two ways; both must give the same objective and gradients, bit for bit: what they counted may
// differ.
static bool same_bits(const struct probe_request *one, const struct probe_request *other, struct text *seen)
{
    struct probe a, b = {0};
    if (!opened(&a, one, seen))
        return false;
    bool holds = opened(&b, other, seen);
    if (holds) {
        probe_train(&a);
        probe_train(&b);
        size_t bytes = a.parameters.elements * real_size(one->real);
        if (memcmp(&a.totals, &b.totals, offsetof(struct totals, counted_flops)))
            holds = saw(seen, "losses %.9g and %.9g", a.totals.loss_sum, b.totals.loss_sum);
        else if (memcmp(executor_gradients(a.executor), executor_gradients(b.executor), bytes))
            holds = saw(seen, "gradients differ");
    }
    probe_close(&b);
    probe_close(&a);
    return holds;
}

static bool determinism(const struct run *run, struct text *seen)
{
    struct probe_request one = usual(run, REAL_FLOAT, GRAPH_TRAIN), other = one;
    other.threads = 2;
    return same_bits(&one, &one, seen) && same_bits(&one, &other, seen);
}

static bool poison(const struct run *run, struct text *seen)
{
    struct probe_request one = usual(run, REAL_FLOAT, GRAPH_TRAIN), other = one;
    other.poison = true;
    return same_bits(&one, &other, seen);
}

bool conformance_rebuilt(const struct run *run, struct text *seen)
{
    bool reversible = run_choice(run, SLOT_RESIDUAL, 0)->component->residual.reversible;
    struct run recomputing = *run;
    recomputing.train.recompute = reversible ? RECOMPUTE_NONE : RECOMPUTE_BLOCK;
    struct probe_request one = usual(&recomputing, reversible ? REAL_DOUBLE : REAL_FLOAT, GRAPH_TRAIN), other = one;
    struct probe a, b = {0};
    other.keeps_activations = true;
    if (!reversible)
        return same_bits(&one, &other, seen);
    if (!opened(&a, &one, seen))
        return false;
    bool holds = opened(&b, &other, seen);
    if (holds) {
        probe_train(&a);
        probe_train(&b);
        double apart = gradients_apart(&a, &b);
        holds = apart <= inverse_limit || saw(seen, "gradients differ by %.2g of their norm", apart);
    }
    probe_close(&b);
    probe_close(&a);
    return holds;
}

// The logits of `rows` rows of `whole` from row `from` on equal those of `part` from its start, up to rounding.
static bool same_logits(const struct probe *whole, int64_t from, const struct probe *part, int64_t rows, struct text *seen)
{
    int64_t vocab = whole->run.model.vocab;
    double largest = 0, apart = 0;
    for (int64_t i = 0; i < rows * vocab; i++) {
        double a = probe_value(whole, whole->logits, from * vocab + i), b = probe_value(part, part->logits, i);
        largest = fmax(largest, fabs(a));
        apart = fabs(a - b) > apart || isnan(a - b) ? fabs(a - b) : apart;
    }
    return apart <= equal_limit * largest || saw(seen, "logits differ by %.2g of %.2g", apart, largest);
}

static bool alone(const struct run *run, struct text *seen)
{
    struct probe batch, single = {0};
    struct probe_request request = usual(run, REAL_DOUBLE, GRAPH_EVAL), one = request;
    one.sequences = one.lanes = 1;
    if (!opened(&batch, &request, seen))
        return false;
    bool holds = opened(&single, &one, seen);
    if (holds) {
        memcpy(single.tokens, batch.tokens + 2 * TIME, TIME * sizeof *single.tokens);
        probe_forward(&batch);
        probe_forward(&single);
        holds = same_logits(&batch, 2 * TIME, &single, TIME, seen);
    }
    probe_close(&single);
    probe_close(&batch);
    return holds;
}

static bool prefix(const struct run *run, struct text *seen)
{
    struct probe whole, part = {0};
    struct probe_request request = usual(run, REAL_DOUBLE, GRAPH_EVAL), shorter = request;
    shorter.sequences = shorter.lanes = 1;
    shorter.time = PREFIX;
    if (!opened(&whole, &request, seen))
        return false;
    bool holds = opened(&part, &shorter, seen);
    if (holds) {
        memcpy(part.tokens, whole.tokens, PREFIX * sizeof *part.tokens);
        probe_forward(&whole);
        probe_forward(&part);
        holds = same_logits(&whole, 0, &part, PREFIX, seen);
    }
    probe_close(&part);
    probe_close(&whole);
    return holds;
}

static bool no_allocation(const struct run *run, struct text *seen)
{
    struct probe probe;
    struct probe_request request = usual(run, REAL_FLOAT, GRAPH_TRAIN);
    if (!opened(&probe, &request, seen))
        return false;
    probe_train(&probe);
    struct mallinfo2 before = mallinfo2();
    for (int i = 0; i < 3; i++)
        probe_train(&probe);
    struct mallinfo2 after = mallinfo2();
    bool holds = (before.uordblks == after.uordblks && before.hblkhd == after.hblkhd) ||
                 saw(seen, "%zd bytes were allocated in three steps", (ssize_t)(after.uordblks - before.uordblks));
    probe_close(&probe);
    return holds;
}

// A kernel that writes something states what it moves; a sum's gradient may lie where it is wanted already.
static bool states_bytes(const struct graph *graph, struct text *seen)
{
    for (int i = 0; i < graph->node_count; i++) {
        const struct node *node = graph->nodes[i];
        bool wanted[PHASE_COUNT] = {[PHASE_FORWARD] = true};
        for (int j = 0; node->runs_backward && j < node->input_count; j++)
            if (node->inputs[j]->wants_gradient)
                wanted[node->inputs[j]->kind == TENSOR_PARAMETER ? PHASE_BACKWARD_PARAMETERS : PHASE_BACKWARD] = true;
        for (enum phase phase = 0; phase < PHASE_COUNT; phase++)
            if (wanted[phase] && !(phase == PHASE_BACKWARD && node->op->passes_gradient) &&
                node_cost(graph, node, phase, graph->time).bytes <= 0)
                return saw(seen, "%s states no bytes for its %s pass", node->op->name, phase_names[phase]);
    }
    return true;
}

static bool cost(const struct run *run, struct text *seen)
{
    struct probe probe;
    struct probe_request request = usual(run, REAL_FLOAT, GRAPH_TRAIN);
    if (!opened(&probe, &request, seen))
        return false;
    probe_train(&probe);
    double formula = model_step_flops(&probe.graph, SEQUENCES), counted = probe.totals.counted_flops;
    formula += graph_rebuild_cost(&probe.graph, SEQUENCES).product_flops;
    bool holds = fabs(formula - counted) <= 1e-9 * formula ||
                 saw(seen, "the formula says %.0f operations and the kernels counted %.0f", formula, counted);
    holds = holds && states_bytes(&probe.graph, seen);
    probe_close(&probe);
    return holds;
}

// Of a subject. NEEDS_PATTERN: who sees whom does not follow from the length, as it does where hashes decide.
enum needs { NEEDS_NOTHING, NEEDS_CAUSAL = 1, NEEDS_PATTERN = 2 };
struct property {
    const char *name, *reason;
    bool (*holds)(const struct run *run, struct text *seen);
    unsigned needs; // enum needs
};

static const struct property model_properties[] = {
    {"gradients", "the derivative must be the objective's own: central differences in double agree to 1e-6", gradients,
     NEEDS_NOTHING},
    {"reference", "the fast path in float equals explicit n x n attention in double, forward and backward", reference,
     NEEDS_NOTHING},
    {"causality", "a later token must not change one bit of an earlier logit", causality, NEEDS_CAUSAL},
    {"determinism", "same seed, same bits, with one thread and with two", determinism, NEEDS_NOTHING},
    {"poison", "buffers filled with NaN at birth and death change no bit: nothing reads what is not its own", poison,
     NEEDS_NOTHING},
    {"rebuilt", "what the backward pass rebuilds is what was kept: the same bits from inputs, to rounding from outputs",
     conformance_rebuilt, NEEDS_NOTHING},
    {"alone", "a sequence must not see its neighbours in the batch", alone, NEEDS_NOTHING},
    {"prefix", "what comes first must not depend on how much follows", prefix, NEEDS_CAUSAL | NEEDS_PATTERN},
    {"no allocation", "memory is planned before step 1", no_allocation, NEEDS_NOTHING},
    {"cost", "the operations that a run counts are those that the formula states, and every pass states its bytes", cost,
     NEEDS_NOTHING},
};

static bool shapes_the_model(enum slot slot)
{
    return slot != SLOT_OPTIMIZER && slot != SLOT_SCHEDULE && slot != SLOT_DATA && slot != SLOT_INIT && slot != SLOT_PRECISION;
}

struct subject {
    const struct component *component;
    struct arena *arena;
    finding_report *report;
    void *context;
};

// Tries one property on every kind of subject; a run that is refused is not a failure.
static bool try(const struct subject *subject, const struct property *property)
{
    struct finding finding = {.property = property->name, .reason = property->reason, .verdict = NOT_TRIED};
    struct text seen = {0};
    for (enum subject_kind kind = 0; kind < SUBJECT_KINDS && finding.verdict != FAILS; kind++) {
        struct run run;
        if (!subject_run(&run, subject->component, kind, subject->arena))
            continue;
        bool hashed = kind > SUBJECT_DEFAULTS && subject_hashes(subject->component);
        if ((property->needs & NEEDS_CAUSAL && !run.model.causal) || (property->needs & NEEDS_PATTERN && hashed))
            continue;
        struct error refused = {0};
        struct text setting = {0};
        setting_print(subject->component->slot, &run.slots[subject->component->slot], &setting);
        finding.setting = text_keep(&setting, subject->arena);
        if (!run_resolve(&run, &refused)) {
            finding.seen = arena_format(subject->arena, "%.*s", (int)strcspn(refused.text, "\n"), refused.text);
            continue;
        }
        finding.verdict = property->holds(&run, &seen) ? CONFORMS : FAILS;
    }
    if (finding.verdict == FAILS)
        finding.seen = arena_copy_text(subject->arena, seen.data ? seen.data : "");
    text_free(&seen);
    subject->report(subject->context, subject->component, &finding);
    return finding.verdict != FAILS;
}

bool conformance_check(const struct component *component, struct arena *arena, finding_report *report, void *context)
{
    const struct subject subject = {component, arena, report, context};
    bool holds = true;
    for (size_t i = 0; shapes_the_model(component->slot) && i < sizeof model_properties / sizeof *model_properties; i++)
        holds &= try(&subject, &model_properties[i]);
    return component_laws_check(component, arena, report, context) && holds;
}
