// batch.h: windows of a stream of tokens, or whole examples, as the executor wants them. Called by training and evaluation.
#ifndef TRAIN_BATCH_H
#define TRAIN_BATCH_H

#include "registry/component.h"
#include "tensor/executor.h"

// Room for `sequences` windows or examples of `time` inputs and as many targets; positions are 0 .. time-1 in each.
struct batch_room {
    int64_t sequences, time;
    int32_t *tokens, *targets, *positions; // [sequences, time] each, in one block
    size_t bytes;
};
bool batch_open(struct batch_room *room, int64_t sequences, int64_t time, struct error *error);
void batch_close(struct batch_room *room);
size_t batch_bytes(int64_t sequences, int64_t time);

// How many sequences a part has: its examples, or the consecutive windows that fit. Window w has inputs wT .. wT+T-1 and
// targets one later, so no target is counted twice and fewer than T+1 tokens at the end go unused.
int64_t batch_sequences(const struct dataset *dataset, enum data_part part, int64_t time);

// The training batch of a step: examples, or windows at offsets, uniform in the training part: a function of (seed, step, row).
struct batch batch_draw(const struct batch_room *room, const struct dataset *dataset, int64_t seed, int64_t step);
// Consecutive sequences of a part, from number `first` on.
struct batch batch_read(const struct batch_room *room, const struct dataset *dataset, enum data_part part, int64_t first,
                        int64_t count);

#endif
