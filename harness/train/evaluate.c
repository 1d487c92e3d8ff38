// evaluate.c: reads a part of the data once, window after window. Dropout is off.
//
// Neighbouring windows are alike, so the standard error comes from the spread of the means of long blocks of them (batch
// means): with b blocks it is sd(block means) / sqrt(b).
#include "train/evaluate.h"

#include <math.h>

enum { BLOCKS_MAX = 20 };

size_t evaluation_bytes(int64_t sequences, int64_t time)
{
    return batch_bytes(sequences, time) + (size_t)sequences * (size_t)time * sizeof(float);
}

bool evaluation_open(struct evaluation_room *room, int64_t sequences, int64_t time, struct error *error)
{
    *room = (struct evaluation_room){0};
    if (!batch_open(&room->batch, sequences, time, error))
        return false;
    room->row_loss_bytes = (size_t)sequences * (size_t)time * sizeof(float);
    if (memory_large((void **)&room->row_loss, room->row_loss_bytes, "the losses of an evaluation", error))
        return true;
    evaluation_close(room);
    return false;
}

void evaluation_close(struct evaluation_room *room)
{
    batch_close(&room->batch);
    memory_large_free(room->row_loss, room->row_loss_bytes);
    *room = (struct evaluation_room){0};
}

struct blocks {
    double sum[BLOCKS_MAX];
    int64_t windows[BLOCKS_MAX];
    int count;
};

static double spread(const struct blocks *blocks, int64_t time)
{
    if (blocks->count < 2)
        return NAN;
    double mean = 0, square = 0;
    for (int i = 0; i < blocks->count; i++)
        mean += blocks->sum[i] / (double)(blocks->windows[i] * time) / blocks->count;
    for (int i = 0; i < blocks->count; i++) {
        double difference = blocks->sum[i] / (double)(blocks->windows[i] * time) - mean;
        square += difference * difference;
    }
    return sqrt(square / (blocks->count - 1) / blocks->count);
}

static double mean_surprise(const struct dataset *dataset, enum data_part part, int64_t targets)
{
    if (!dataset->surprise)
        return NAN;
    const float *surprise = dataset->surprise + dataset->parts[part].begin + 1; // the first token is nobody's target
    double sum = 0;
    for (int64_t i = 0; i < targets; i++)
        sum += surprise[i];
    return sum / (double)targets;
}

void evaluate(struct executor *executor, const struct evaluation_room *room, const struct dataset *dataset, enum data_part part,
              int64_t tokens, struct evaluation *evaluation)
{
    const int64_t time = room->batch.time;
    int64_t windows = batch_windows(dataset, part, time), allowed = tokens > time ? tokens / time : 1;
    if (tokens > 0 && windows > allowed)
        windows = allowed;
    struct blocks blocks = {.count = (int)(windows < BLOCKS_MAX ? windows : BLOCKS_MAX)};
    const struct outputs outputs = {.row_loss = room->row_loss};
    double sum = 0;
    for (int64_t first = 0; first < windows; first += room->batch.sequences) {
        int64_t left = windows - first, count = left < room->batch.sequences ? left : room->batch.sequences;
        struct batch batch = batch_read(&room->batch, dataset, part, first, count);
        struct totals totals;
        executor_forward(executor, &batch, &outputs, &totals);
        for (int64_t i = 0; i < count; i++) {
            double window_sum = 0;
            for (int64_t j = 0; j < time; j++)
                window_sum += room->row_loss[i * time + j];
            int64_t block = (first + i) * blocks.count / windows;
            blocks.sum[block] += window_sum;
            blocks.windows[block]++;
            sum += window_sum;
        }
    }
    *evaluation = (struct evaluation){.windows = windows,
                                      .loss = sum / (double)(windows * time),
                                      .standard_error = spread(&blocks, time),
                                      .floor = mean_surprise(dataset, part, windows * time)};
}
