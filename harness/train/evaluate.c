// evaluate.c: reads a part of the data once, sequence after sequence. Dropout is off.
//
// Neighbouring windows of a text are alike, so the standard error comes from the spread of the means of long blocks of them
// (batch means): with b blocks it is sd(block means) / sqrt(b).
#include "train/evaluate.h"

#include <math.h>

enum { BLOCKS_MAX = 20 };

size_t evaluation_bytes(int64_t sequences, int64_t time)
{
    return batch_bytes(sequences, time) + 2 * (size_t)sequences * (size_t)time * sizeof(float);
}

bool evaluation_open(struct evaluation_room *room, int64_t sequences, int64_t time, struct error *error)
{
    *room = (struct evaluation_room){0};
    if (!batch_open(&room->batch, sequences, time, error))
        return false;
    size_t rows = (size_t)sequences * (size_t)time;
    room->row_bytes = 2 * rows * sizeof(float);
    if (memory_large((void **)&room->row_loss, room->row_bytes, "the losses of an evaluation", error)) {
        room->row_correct = room->row_loss + rows;
        return true;
    }
    evaluation_close(room);
    return false;
}

void evaluation_close(struct evaluation_room *room)
{
    batch_close(&room->batch);
    memory_large_free(room->row_loss, room->row_bytes);
    *room = (struct evaluation_room){0};
}

// Over the counted targets of some sequences.
struct sums {
    double loss;
    int64_t correct, counted;
};

static void add_sums(struct sums *to, const struct sums *from)
{
    to->loss += from->loss;
    to->correct += from->correct;
    to->counted += from->counted;
}

static struct sums sequence_sums(const struct evaluation_room *room, int64_t sequence)
{
    struct sums sums = {0};
    for (int64_t row = sequence * room->batch.time; row < (sequence + 1) * room->batch.time; row++) {
        if (room->batch.targets[row] < 0)
            continue;
        sums.loss += room->row_loss[row];
        sums.correct += room->row_correct[row] > 0;
        sums.counted++;
    }
    return sums;
}

static double spread(const struct sums *blocks, int count)
{
    if (count < 2)
        return NAN;
    double mean = 0, square = 0;
    for (int i = 0; i < count; i++)
        mean += blocks[i].loss / (double)blocks[i].counted / count;
    for (int i = 0; i < count; i++) {
        double difference = blocks[i].loss / (double)blocks[i].counted - mean;
        square += difference * difference;
    }
    return sqrt(square / (count - 1) / count);
}

static double mean_surprise(const struct dataset *dataset, enum data_part part, int64_t targets)
{
    if (dataset->run)
        return 0; // by contract: see component.h
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
    int64_t sequences = batch_sequences(dataset, part, time), allowed = tokens > time ? tokens / time : 1;
    if (tokens > 0 && sequences > allowed)
        sequences = allowed;
    const int block_count = (int)(sequences < BLOCKS_MAX ? sequences : BLOCKS_MAX);
    const struct outputs outputs = {.row_loss = room->row_loss, .row_correct = room->row_correct};
    struct sums all = {0}, blocks[BLOCKS_MAX] = {0};
    for (int64_t first = 0; first < sequences; first += room->batch.sequences) {
        int64_t left = sequences - first, count = left < room->batch.sequences ? left : room->batch.sequences;
        struct batch batch = batch_read(&room->batch, dataset, part, first, count);
        struct totals totals;
        executor_forward(executor, &batch, &outputs, &totals);
        for (int64_t i = 0; i < count; i++) {
            struct sums sums = sequence_sums(room, i);
            add_sums(&blocks[(first + i) * block_count / sequences], &sums);
            add_sums(&all, &sums);
        }
    }
    *evaluation = (struct evaluation){.sequences = sequences,
                                      .loss = all.loss / (double)all.counted,
                                      .accuracy = (double)all.correct / (double)all.counted,
                                      .standard_error = spread(blocks, block_count),
                                      .floor = mean_surprise(dataset, part, all.counted)};
}
