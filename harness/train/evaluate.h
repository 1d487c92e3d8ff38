// evaluate.h: the mean cross-entropy and accuracy of a part of the data, the loss's standard error, and what no model can beat.
#ifndef TRAIN_EVALUATE_H
#define TRAIN_EVALUATE_H

#include "registry/component.h"
#include "tensor/executor.h"
#include "train/batch.h"

struct evaluation {
    int64_t sequences;     // read: every one there is, or the first that `tokens` allowed
    double loss;           // nats per counted target
    double accuracy;       // the share of them that the model holds most likely
    double standard_error; // of loss as an estimate over such data; NaN when fewer than two sequences were read
    double floor;          // the source's own mean surprise at the same targets, 0 for examples; NaN where unknown
};

// What evaluation writes into: [batch.sequences * batch.time] of float each, in one block.
struct evaluation_room {
    struct batch_room batch;
    float *row_loss, *row_correct;
    size_t row_bytes;
};
bool evaluation_open(struct evaluation_room *room, int64_t sequences, int64_t time, struct error *error);
void evaluation_close(struct evaluation_room *room);
size_t evaluation_bytes(int64_t sequences, int64_t time);

// Consecutive sequences from the part's beginning; at most `tokens` tokens of them (but one sequence) when that is above 0.
// Allocates nothing.
void evaluate(struct executor *executor, const struct evaluation_room *room, const struct dataset *dataset, enum data_part part,
              int64_t tokens, struct evaluation *evaluation);

#endif
