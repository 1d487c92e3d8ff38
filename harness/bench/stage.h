// stage.h: a small model whose parts can run by themselves, again and again, on one lane.
//
// Built through the interfaces that training uses; but every value and every gradient has a place of its own, where a plan
// would let them share, so that whatever runs finds what a step would have left there. Called by the suite and by its tests.
#ifndef BENCH_STAGE_H
#define BENCH_STAGE_H

#include "model/model.h"
#include "tensor/lane.h"

struct stage {
    struct run run; // of which it was built
    struct parameters parameters;
    struct graph graph;
    struct lane lane;
    int64_t rows;
    int32_t *inputs; // tokens, targets, positions: [3, rows]
    void *arena, *workspace, *packs, *gradients;
    size_t arena_bytes, workspace_bytes, gradient_bytes;
};
// Builds the graph for one sequence of run->model.seq_len tokens: enough to ask what work its parts are. `run` is resolved.
bool stage_open(struct stage *stage, const struct run *run, struct error *error);
// Takes memory, draws weights and tokens, and goes forward and backward once; before stage_run.
bool stage_prepare(struct stage *stage, struct error *error);
void stage_close(struct stage *stage);

enum pass { PASS_FORWARD, PASS_BACKWARD, PASS_COUNT }; // backward: of activations and of parameters
extern const char *const pass_names[PASS_COUNT];

// Some nodes of a stage's graph, in its order.
struct part {
    int count;
    struct node **nodes;
};
void stage_run(struct stage *stage, const struct part *part, enum pass pass);

struct work {
    double flops, bytes;
    double coupled_flops; // of these, where rows need each other: only they can grow faster than the length
};
struct work stage_work(const struct stage *stage, const struct part *part, enum pass pass);

#endif
