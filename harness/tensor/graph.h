// graph.h: a static graph of tensors and operations: defined once, planned once, run many times.
//
// A builder calls graph_op and the pieces of ops.h; gradients, memory and cost follow from the op table. Tensors come in three
// kinds: parameters (in a store that several graphs share), inputs (arrays of the caller's batch) and activations, which hold
// one row per token of a pass and live in an arena.
//
// A mistake while building (shapes that do not fit) is kept in graph->error; every later call then returns NULL and accepts
// NULL, so a builder is straight-line code and graph_plan reports the first trouble.
#ifndef TENSOR_GRAPH_H
#define TENSOR_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "tensor/gemm.h"
#include "tensor/parameters.h"

enum { NODE_INPUTS_MAX = 6, NODE_OUTPUTS_MAX = 2 };

// Of a value; a gradient is always REAL. BF16_PAIR: a row's high halves, then its low ones (gemm.h).
enum dtype { DTYPE_REAL, DTYPE_INT32, DTYPE_UINT8, DTYPE_BF16, DTYPE_BF16_PAIR };

enum tensor_kind { TENSOR_PARAMETER, TENSOR_INPUT, TENSOR_ACTIVATION };

struct span {
    int64_t begin, end; // end is not in it
};

struct tensor {
    char name[TENSOR_NAME_SIZE];
    enum tensor_kind kind;
    enum dtype dtype;
    int rank;
    int64_t shape[TENSOR_RANK_MAX]; // an activation's shape[0] is a row per token and not known here: 0
    int64_t width;                  // elements of one row: the product of shape[1..], or all of a parameter
    int index;                      // parameter: its place in the store; input: which array; activation: order of birth
    struct node *producer;          // NULL for parameters and inputs
    bool wants_gradient;
    size_t offset, gradient_offset; // parameter: elements into the store; activation: bytes into an arena
    struct tensor *gradient_of;     // whose gradient buffer this one shares (op->passes_gradient), or NULL: its own
    struct tensor *original;        // whose value this one holds again in the backward pass, or NULL
    struct tensor *rebuilt;         // and the other way round
    int born, dies;                 // moments of the value's life: see plan.c
    int gradient_born, gradient_dies;
    size_t row_bytes, gradient_row_bytes; // of an activation
    bool tile_only, gradient_tile_only;   // lives within one tile: in the lane's tile arena, not in that of the pass
};

// One use of an operation. Kernels read it; nothing in it changes after graph_plan.
struct node {
    const struct op *op;
    struct tensor *inputs[NODE_INPUTS_MAX];
    struct tensor *outputs[NODE_OUTPUTS_MAX];
    int input_count, output_count;
    const void *attributes;           // the op's own struct, copied into the graph
    const void *prepared;             // what its plan left for its kernels, in the graph's arena, or NULL
    bool accumulate[NODE_INPUTS_MAX]; // add to that input's gradient, rather than write it first
    bool runs_backward;               // something that wants a gradient lies before it, and the loss behind it
    int backward_step;                // where in graph->steps, if it does
    struct node *again;               // what runs in the backward pass: the same over rebuilt tensors, or the node itself
    struct tensor *saved;             // what forward keeps for backward beside inputs and outputs, or NULL
    size_t workspace;                 // bytes a call may use in lane->workspace
    const char *component;            // "ffn/swiglu": for profiles and messages
    int layer;                        // -1 outside the layers
};

// The kinds of kernel calls, in the order of a node's life.
enum phase { PHASE_FORWARD, PHASE_BACKWARD, PHASE_BACKWARD_PARAMETERS, PHASE_COUNT };
extern const char *const phase_names[PHASE_COUNT];

// What an op states about itself. The table is data; kernels never allocate and cannot fail.
struct lane;
struct kernels { // one for each phase; NULL: nothing to do
    void (*forward)(const struct node *node, struct span rows, struct lane *lane);
    void (*backward)(const struct node *node, struct span rows, struct lane *lane);            // gradients of activations
    void (*backward_parameters)(const struct node *node, struct span rows, struct lane *lane); // gradients of parameters
};

// How the executor may cut the rows of one call. Row 0 of a call is lane->first_row of the batch. For the same rows,
// backward_parameters runs just before backward, and lane->workspace is left alone between the two.
enum op_rows {
    OP_ROWS_LOCAL,    // any rows: row i of the outputs needs row i of the inputs alone
    OP_ROWS_SEQUENCE, // whole sequences
    OP_ROWS_HEADS,    // whole sequences, and of those the share of the heads that is lane->part of lane->parts
};

// A layer: what the backward pass needs of its nodes [begin, end) may be rebuilt there instead of kept.
enum rebuild {
    REBUILD_NOTHING,
    REBUILD_FROM_INPUTS,  // forward again from what came into the block, which is kept
    REBUILD_FROM_OUTPUTS, // what came in is found first, from what went out: an op with an inverse undoes itself
};
struct graph_block {
    int begin, end;
    enum rebuild rebuild;
    struct tensor *outputs[2]; // the stream behind it; the second may be NULL
};

// One call for all rows of a pass: a node's forward, or both kinds of its backward.
struct graph_step {
    const struct node *node;
    bool backward;
};

// Steps [begin, end) of which all rows of a pass are done before the next segment begins.
struct segment {
    int begin, end;
    bool local; // every node is OP_ROWS_LOCAL: goes tile by tile
};

// Which values backward reads: bits, so that the memory plan lets everything else die early.
enum op_keeps {
    OP_KEEPS_INPUT_0 = 1,
    OP_KEEPS_INPUT_1 = 2,
    OP_KEEPS_INPUT_2 = 4,
    OP_KEEPS_INPUT_3 = 8,
    OP_KEEPS_OUTPUT_0 = 256,
    OP_KEEPS_OUTPUT_1 = 512,
};

// What one phase does, in float. A function such as exp counts as one operation.
struct phase_cost {
    double flops;         // multiply-adds counted twice
    double product_flops; // of these, in matrix products and attention: what "model FLOPs" counts
    double bytes;         // each operand moved once: read, written, and read again where a gradient is added to
};
struct cost {
    struct phase_cost phases[PHASE_COUNT];
};

struct graph;
struct op {
    const char *name;
    enum op_rows rows;
    unsigned keeps;
    size_t attributes_size;
    // Checks the inputs' shapes and adds the outputs (graph_output), saved rows (graph_saved) and workspace to the node.
    bool (*plan)(struct graph *graph, struct node *node, struct error *error);
    // Cost of `sequences` sequences of `time` tokens. Required: a test compares it with what the kernels count.
    struct cost (*cost)(const struct node *node, int64_t sequences, int64_t time);
    // True where outputs[0]'s gradient is every input's gradient, unchanged (a sum): the plan then shares the buffer if it can.
    bool passes_gradient;
    // Its outputs are kept, not rebuilt: from inputs that differ by a rounding they might come out as something else.
    bool kept;
    // Gives inputs[0] from outputs[0] and inputs[1], with forward alone, no attributes, nothing saved and no workspace; or
    // NULL.
    const struct op *inverse;
    const struct kernels *kernels[REAL_COUNT];
};

enum graph_mode { GRAPH_TRAIN, GRAPH_EVAL };

// A weight as a product wants it; the executor makes all of them anew before each batch, so that none is ever older than its
// weight.
struct graph_pack {
    const struct tensor *weight;
    struct gemm_product *product;
    size_t offset; // bytes into the packs
};

struct graph {
    enum graph_mode mode;
    enum real real;
    struct gemm_way way;     // of its products; set before building, GEMM_REAL on OpenBLAS otherwise
    int64_t time;            // tokens of a sequence
    int64_t sequences;       // most sequences of one pass
    int64_t tile_rows;       // most rows of a tile; 0 as graph_open leaves it: op by op over the pass, see graph_cut
    int64_t position_limit;  // every position is below it; starts as `time`
    bool explicit_attention; // build the reference attention with n x n scores
    struct parameters *parameters;
    struct arena arena; // owns tensors, nodes and attributes
    struct tensor **tensors;
    struct node **nodes;
    int tensor_count, tensor_capacity, node_count, node_capacity;
    const char *component; // stamped on new nodes
    int layer;
    struct schedule_entry *schedules; // attention schedules already made for this graph
    struct angle_table *angle_tables; // and tables of rope's angles
    struct graph_block *blocks;       // in order, apart
    struct gemm_product **products;   // each asked for once, closed with the graph
    struct graph_pack **packs;
    int block_count, block_capacity, product_count, product_capacity, pack_count, pack_capacity;
    size_t pack_bytes;
    struct error *error;
    bool failed;
    // Set by the model builder.
    struct tensor *tokens, *targets, *positions;  // inputs, int32, one a row
    struct tensor *logits, *row_loss, *row_log_z; // [rows, vocab], [rows], [rows]
    struct tensor *row_correct;                   // [rows]; NULL in GRAPH_TRAIN
    // Set by graph_plan.
    struct graph_step *steps; // forward of each node in order, node_count steps; then what the backward pass does
    struct segment *segments;
    int step_count, step_capacity, segment_count;
    size_t pass_bytes;      // the arena of a pass
    size_t tile_bytes;      // that of a tile
    size_t workspace_bytes; // and the workspace of a call
};

void graph_open(struct graph *graph, enum graph_mode mode, enum real real, int64_t sequences, int64_t time,
                struct parameters *parameters, struct error *error);
void graph_close(struct graph *graph);

// Plans the graph for tiles of at most so many rows: as many as cut a full pass evenly. Comes before the first node.
void graph_cut(struct graph *graph, int64_t tile_rows);

// For builders. `name` may be NULL. A parameter has a name of its own in its graph; one that another graph over the same store
// already added must have the same shape.
struct tensor *graph_input(struct graph *graph, const char *name);
struct tensor *graph_parameter(struct graph *graph, const char *name, enum parameter_role role, int rank, const int64_t *shape);
// A parameter of ROLE_CONSTANT, zeros until a checkpoint is read. NULL where another graph over the same store has it in
// another shape: this one then does without.
struct tensor *graph_constant(struct graph *graph, const char *name, int rank, const int64_t *shape);
// Returns outputs[0]; `attributes` (op->attributes_size bytes) are copied. NULL inputs make the result NULL.
struct tensor *graph_op(struct graph *graph, const struct op *op, const void *attributes, struct tensor *const *inputs,
                        int input_count);
// Marks the graph as failed with a reason, once; returns NULL.
struct tensor *graph_refuse(struct graph *graph, const char *format, ...) __attribute__((format(printf, 2, 3)));

// What was built since node `begin` is a block.
void graph_block(struct graph *graph, int begin, enum rebuild rebuild, struct tensor *const outputs[2]);

// For op plans and executors.
struct tensor *graph_output(struct graph *graph, struct node *node, int64_t width);
void graph_saved(struct graph *graph, struct node *node, enum dtype dtype, int64_t width);
// The product of the request's sizes and way in the graph's real, one for all nodes that ask for the same. NULL with the
// reason.
struct gemm_product *graph_product(struct graph *graph, const struct gemm_request *request, struct error *error);
// A place among the packs for the weight as the product wants it; NULL where the parameter's own values serve.
const struct graph_pack *graph_pack(struct graph *graph, const struct tensor *weight, struct gemm_product *product);
// Most rows of a call of an op that is OP_ROWS_LOCAL.
int64_t graph_call_rows(const struct graph *graph);
// Bytes that an activation's value, or its gradient, takes in its arena. Known after graph_plan.
size_t graph_value_bytes(const struct graph *graph, const struct tensor *tensor);
size_t graph_gradient_bytes(const struct graph *graph, const struct tensor *tensor);

// A second tensor for the value of an activation, which the backward pass then reads there.
struct tensor *graph_rebuilt(struct graph *graph, struct tensor *original);

// Makes steps and segments, decides who accumulates and lays out the arenas by lifetimes. Needs graph->row_loss to exist in
// GRAPH_TRAIN.
bool graph_plan(struct graph *graph, struct error *error);

// Sum over the nodes, for a whole batch: each pass once.
struct cost graph_cost(const struct graph *graph, int64_t sequences);
// What the backward pass rebuilds comes on top of that.
struct phase_cost graph_rebuild_cost(const struct graph *graph, int64_t sequences);
// Of one kernel call, on as many rows as an executor may cut.
struct phase_cost node_cost(const struct graph *graph, const struct node *node, enum phase phase, int64_t rows);

#endif
