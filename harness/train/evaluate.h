// evaluate.h: the mean cross-entropy of a part of the data, its standard error, and what no model can beat.
#ifndef TRAIN_EVALUATE_H
#define TRAIN_EVALUATE_H

#include "registry/component.h"
#include "tensor/executor.h"
#include "train/batch.h"

struct evaluation {
    int64_t windows;       // read: every one that fits, or the first that `tokens` allowed
    double loss;           // nats per target token
    double standard_error; // of loss as an estimate over such text; NaN when fewer than two windows were read
    double floor;          // the source's own mean surprise at the same targets; NaN where unknown
};

// What evaluation writes into: row_loss [room.sequences * room.time] of float.
struct evaluation_room {
    struct batch_room batch;
    float *row_loss;
    size_t row_loss_bytes;
};
bool evaluation_open(struct evaluation_room *room, int64_t sequences, int64_t time, struct error *error);
void evaluation_close(struct evaluation_room *room);
size_t evaluation_bytes(int64_t sequences, int64_t time);

// Consecutive windows from the part's beginning, as many as fit; at most `tokens` targets (but one window) when that is above
// 0. Allocates nothing.
void evaluate(struct executor *executor, const struct evaluation_room *room, const struct dataset *dataset, enum data_part part,
              int64_t tokens, struct evaluation *evaluation);

#endif
