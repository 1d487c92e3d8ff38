// model.c: the skeleton that slots fill: embeddings, layers, head, loss; and the initial values.
#include "model/model.h"

#include <string.h>

#include "base/random.h"

// Nodes that a component adds outside the layers' branches carry its name too.
static void stamp(struct graph *graph, const struct component *component)
{
    graph->component = NULL;
    if (component)
        graph->component = arena_format(&graph->arena, "%s/%s", slot_facts[component->slot].name, component->name);
}

// [rows, d_model]: token embeddings, positions where they join here, dropout. Each kind of a per-layer list joins once.
static struct tensor *embed(const struct block *block, struct tensor *table)
{
    const struct setting *position = &block->run->slots[SLOT_POSITION];
    struct tensor *x = op_embedding(block->graph, block->graph->tokens, table);
    for (int i = 0; i < position->count; i++) {
        const struct component *component = position->choices[i].component;
        bool again = false;
        for (int j = 0; j < i; j++)
            again |= position->choices[j].component == component;
        stamp(block->graph, component);
        if (component && component->position.embed && !again)
            x = component->position.embed(block, &position->choices[i].options, x);
    }
    stamp(block->graph, NULL);
    return block_embedding_dropout(block, x);
}

// [rows, vocab]; `table` is the token embeddings, which a tied head multiplies by.
static struct tensor *head(const struct block *block, struct tensor *table, struct tensor *x)
{
    const struct model_scalars *model = block->model;
    const struct choice *softcap = run_choice(block->run, SLOT_LOGIT_SOFTCAP, 0);
    const int64_t shape[] = {model->vocab, model->d_model};
    struct tensor *weight =
        model->tie_embeddings ? table : graph_parameter(block->graph, "lm_head.weight", ROLE_MATRIX, 2, shape);
    struct tensor *logits = op_linear(block->graph, x, weight, NULL);
    if (!softcap->component)
        return logits;
    stamp(block->graph, softcap->component);
    return op_softcap(block->graph, logits, softcap->component->softcap.cap(&softcap->options));
}

// What the backward pass rebuilds of a layer.
static enum rebuild rebuilt(const struct run *run, const struct model_request *request)
{
    if (request->mode != GRAPH_TRAIN || request->keeps_activations)
        return REBUILD_NOTHING;
    if (run_choice(run, SLOT_RESIDUAL, 0)->component->residual.reversible)
        return REBUILD_FROM_OUTPUTS;
    return run->train.recompute == RECOMPUTE_BLOCK ? REBUILD_FROM_INPUTS : REBUILD_NOTHING;
}

static void build(struct graph *graph, const struct run *run, enum rebuild rebuild)
{
    const struct choice *heads = run_choice(run, SLOT_HEADS, 0), *z_loss = run_choice(run, SLOT_Z_LOSS, 0);
    const struct component *blocks = run_choice(run, SLOT_RESIDUAL, 0)->component;
    const struct residual_calls *residual = &blocks->residual;
    struct block block = {.graph = graph, .run = run, .model = &run->model, .layer = -1};
    block.kv_heads = heads->component->heads.kv_heads(&heads->options, &run->model);
    graph->tokens = graph_input(graph, "tokens");
    graph->targets = graph_input(graph, "targets");
    graph->positions = graph_input(graph, "positions");

    struct tensor *table = block_parameter(&block, "embed_tokens.weight", ROLE_EMBEDDING, 2,
                                           (const int64_t[]){run->model.vocab, run->model.d_model});
    struct tensor *embedded = embed(&block, table);
    stamp(graph, blocks);
    struct stream stream = residual->open(&block, embedded);
    for (int64_t layer = 0; layer < run->model.n_layer && !graph->failed; layer++) {
        int begin = graph->node_count;
        block.layer = graph->layer = (int)layer;
        stream = residual->layer(&block, stream);
        graph_block(graph, begin, rebuild, (struct tensor *const[]){stream.a, stream.b});
    }
    block.layer = graph->layer = -1;
    struct tensor *closed = residual->close(&block, stream);
    stamp(graph, NULL);
    graph->logits = head(&block, table, closed);
    double coefficient = z_loss->component ? z_loss->component->coefficient.value(&z_loss->options) : 0;
    stamp(graph, z_loss->component);
    graph->row_loss = op_cross_entropy(graph, graph->logits, graph->targets, coefficient, &graph->row_log_z);
    if (graph->mode == GRAPH_EVAL)
        graph->row_correct = op_correct(graph, graph->logits, graph->targets);
}

bool model_build(struct graph *graph, const struct run *run, const struct model_request *request, struct parameters *parameters,
                 struct error *error)
{
    graph_open(graph, request->mode, request->real, request->sequences, request->time, parameters, error);
    graph->way = run_gemm_way(run);
    if (request->counts_only)
        graph->way = gemm_rule(GEMM_OPENBLAS, graph->way.format); // plans without its library
    if (request->tile_rows)
        graph_cut(graph, request->tile_rows);
    graph->explicit_attention = request->explicit_attention;
    graph->position_limit = request->time > run->model.seq_len ? request->time : run->model.seq_len;
    build(graph, run, rebuilt(run, request));
    if (graph_plan(graph, error))
        return true;
    graph_close(graph);
    return false;
}

// The parameters of a run's model, without values.
static bool list_parameters(const struct run *run, struct parameters *parameters, struct error *error)
{
    struct graph graph = {0};
    const struct model_request request = {
        .mode = GRAPH_EVAL, .real = REAL_FLOAT, .sequences = 1, .time = run->model.seq_len, .counts_only = true};
    bool done = model_build(&graph, run, &request, parameters, error);
    graph_close(&graph);
    return done;
}

static bool same_shape(const struct parameter *a, const struct parameter *b)
{
    return a->rank == b->rank && memcmp(a->shape, b->shape, (size_t)a->rank * sizeof *a->shape) == 0;
}

// Of what is trained; a constant is drawn anew where another attention has no use for its shape.
static bool same_parameters(const struct parameters *own, const struct parameters *other, struct error *error)
{
    bool done = true;
    for (int i = 0; i < own->count; i++) {
        const struct parameter *same = parameters_find(other, own->list[i].name);
        if (own->list[i].role == ROLE_CONSTANT)
            continue;
        if (!same)
            done = error_request(error, "it has no use for the tensor \"%s\", which the run trains", own->list[i].name);
        else if (!same_shape(&own->list[i], same))
            done = error_request(error, "it needs the tensor \"%s\" in another shape than the run trains", same->name);
    }
    for (int i = 0; i < other->count; i++)
        if (other->list[i].role != ROLE_CONSTANT && !parameters_find(own, other->list[i].name))
            done = error_request(error, "it needs the tensor \"%s\", which the run does not train", other->list[i].name);
    return done;
}

bool model_eval_as_fits(const struct run *run, struct error *error)
{
    struct parameters own = {0};
    bool done = run->eval_as.count == 0 || list_parameters(run, &own, error);
    for (int i = 0; i < run->eval_as.count && done; i++) {
        struct run as;
        struct parameters other = {0};
        struct error trouble = {0};
        struct text lead = {0};
        run_eval_as(run, i, &as);
        text_add(&lead, "eval_as: ");
        choice_print(SLOT_ATTENTION, run_choice(&as, SLOT_ATTENTION, 0), &lead);
        text_add(&lead, ": ");
        done = list_parameters(&as, &other, &trouble) && same_parameters(&own, &other, &trouble);
        if (!done)
            error_carry(error, lead.data, &trouble);
        text_free(&lead);
        parameters_free(&other);
    }
    parameters_free(&own);
    return done;
}

static double get_value(const struct parameters *parameters, size_t index)
{
    return parameters->real == REAL_FLOAT ? ((const float *)parameters->values)[index]
                                          : ((const double *)parameters->values)[index];
}

static void set_value(struct parameters *parameters, size_t index, double value)
{
    if (parameters->real == REAL_FLOAT)
        ((float *)parameters->values)[index] = (float)value;
    else
        ((double *)parameters->values)[index] = value;
}

// A parameter's first value is centre + deviation * normal, or what it was given; a nudge moves it by as much again.
struct start {
    bool given;
    double centre, deviation, nudge; // 0: not drawn
    uint64_t key, nudge_key;
};

// `count` columns of a row, at most NORMALS_MAX, from `column` on; the first is the store's number `index`.
enum { NORMALS_MAX = 256 };
static void start_columns(struct parameters *parameters, const struct start *start, uint64_t row, uint64_t column, size_t count,
                          size_t index)
{
    double drawn[NORMALS_MAX] = {0}, nudges[NORMALS_MAX] = {0};
    if (start->deviation != 0)
        random_normals(start->key, row, column, count, drawn);
    if (start->nudge != 0)
        random_normals(start->nudge_key, row, column, count, nudges);
    for (size_t i = 0; i < count; i++) {
        double value = start->given ? get_value(parameters, index + i) : start->centre + start->deviation * drawn[i];
        if (start->nudge != 0)
            value += start->nudge * nudges[i];
        set_value(parameters, index + i, value);
    }
}

void model_initialise(struct parameters *parameters, const struct run *run)
{
    const struct choice *init = run_choice(run, SLOT_INIT, 0);
    for (int i = 0; i < parameters->count; i++) {
        const struct parameter *parameter = &parameters->list[i];
        bool given = init->component->init.source != NULL;
        bool drawn = !given && (parameter->role == ROLE_EMBEDDING || parameter->role == ROLE_MATRIX ||
                                parameter->role == ROLE_BRANCH_OUT);
        const struct start start = {
            .given = given,
            .centre = parameter->role == ROLE_GAIN ? 1 : 0,
            .deviation = drawn ? init->component->init.deviation(&init->options, parameter, &run->model) : 0,
            .nudge = parameter->role == ROLE_CONSTANT ? 0 : run->train.nudge,
            .key = random_key((uint64_t)run->seed, parameter->name, 0),
            .nudge_key = random_key((uint64_t)run->seed, parameter->name, 1),
        };
        size_t columns = (size_t)(parameter->rank > 1 ? parameter->shape[parameter->rank - 1] : (int64_t)parameter->count);
        for (size_t done = 0, count; done < parameter->count; done += count) {
            size_t left = columns - done % columns;
            count = left < NORMALS_MAX ? left : NORMALS_MAX;
            start_columns(parameters, &start, done / columns, done % columns, count, parameter->offset + done);
        }
    }
}

// Few enough rows that a pass's activations stay near the caches, enough that a product is worth its call: a rule from the
// sizes alone, so that the same run is cut the same way everywhere.
int64_t model_pass_sequences(const struct run *run)
{
    enum { ROWS = 512 };
    int64_t lanes = run->train.lanes, share = (run->train.batch + lanes - 1) / lanes;
    int64_t fit = ROWS / run->model.seq_len;
    fit = fit < 1 ? 1 : fit;
    return fit < share ? fit : share;
}

// A tile's widest activations (into an FFN's activation and out of it: about 8 d_model numbers a row) fill TILE_NUMBERS floats,
// half a MiB; but a product of fewer than ROWS_LEAST rows spends its time on packing the weight, which costs more than caches
// save.
int64_t model_tile_rows(const struct run *run)
{
    enum { TILE_NUMBERS = 1 << 17, ROWS_LEAST = 256 };
    int64_t rows = TILE_NUMBERS / (8 * run->model.d_model);
    return rows < ROWS_LEAST ? ROWS_LEAST : rows;
}

int64_t model_parameter_count(const struct parameters *parameters, bool with_embeddings)
{
    int64_t count = 0;
    for (int i = 0; i < parameters->count; i++)
        if (parameters->list[i].role != ROLE_CONSTANT && (with_embeddings || parameters->list[i].role != ROLE_EMBEDDING))
            count += (int64_t)parameters->list[i].count;
    return count;
}

double model_step_flops(const struct graph *graph, int64_t sequences)
{
    struct cost cost = graph_cost(graph, sequences);
    double flops = 0;
    for (enum phase phase = 0; phase < PHASE_COUNT; phase++)
        flops += cost.phases[phase].product_flops;
    return flops;
}
