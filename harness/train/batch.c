// batch.c: cuts windows out of a stream, or asks for examples.
#include "train/batch.h"

size_t batch_bytes(int64_t sequences, int64_t time) { return (size_t)sequences * (size_t)time * 3 * sizeof(int32_t); }

bool batch_open(struct batch_room *room, int64_t sequences, int64_t time, struct error *error)
{
    size_t rows;
    void *block;
    *room = (struct batch_room){.sequences = sequences, .time = time};
    if (!size_multiply((size_t)sequences, (size_t)time, &rows) || rows > SIZE_MAX / (3 * sizeof(int32_t)))
        return error_request(error, "train.batch times model.seq_len is more than any machine holds; lower one of them");
    room->bytes = batch_bytes(sequences, time);
    if (!memory_large(&block, room->bytes, "a batch", error))
        return false;
    room->tokens = block;
    room->targets = room->tokens + rows;
    room->positions = room->targets + rows;
    for (size_t i = 0; i < rows; i++)
        room->positions[i] = (int32_t)(i % (size_t)time);
    return true;
}

void batch_close(struct batch_room *room)
{
    memory_large_free(room->tokens, room->bytes);
    *room = (struct batch_room){0};
}

int64_t batch_sequences(const struct dataset *dataset, enum data_part part, int64_t time)
{
    if (dataset->run)
        return dataset->examples[part];
    int64_t count = dataset->parts[part].end - dataset->parts[part].begin;
    return count > time ? (count - 1) / time : 0;
}

// `place` is where the window begins in its part, or which example it is.
static void fill_row(const struct batch_room *room, int64_t row, const struct dataset *dataset, enum data_part part,
                     int64_t place)
{
    int32_t *inputs = room->tokens + row * room->time, *targets = room->targets + row * room->time;
    if (dataset->run) {
        dataset_example(dataset, part, place, inputs, targets);
        return;
    }
    const uint16_t *tokens = dataset->tokens + dataset->parts[part].begin + place;
    for (int64_t i = 0; i < room->time; i++) {
        inputs[i] = tokens[i];
        targets[i] = tokens[i + 1];
    }
}

static struct batch whole(const struct batch_room *room, int64_t sequences)
{
    return (struct batch){sequences, room->tokens, room->targets, room->positions};
}

struct batch batch_draw(const struct batch_room *room, const struct dataset *dataset, int64_t seed, int64_t step)
{
    const struct span part = dataset->parts[DATA_TRAIN];
    uint64_t key = random_key((uint64_t)seed, "data", (uint64_t)step);
    int64_t places = dataset->run ? dataset->examples[DATA_TRAIN] : part.end - part.begin - room->time;
    for (int64_t row = 0; row < room->sequences; row++)
        fill_row(room, row, dataset, DATA_TRAIN, (int64_t)random_below(key, (uint64_t)row, 0, (uint64_t)places));
    return whole(room, room->sequences);
}

struct batch batch_read(const struct batch_room *room, const struct dataset *dataset, enum data_part part, int64_t first,
                        int64_t count)
{
    for (int64_t row = 0; row < count; row++)
        fill_row(room, row, dataset, part, (first + row) * (dataset->run ? 1 : room->time));
    return whole(room, count);
}
