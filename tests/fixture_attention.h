// fixture_attention.h: patterns, and one attention node with arrays of its own, without a model around them.
#ifndef TESTS_FIXTURE_ATTENTION_H
#define TESTS_FIXTURE_ATTENTION_H

#include "registry/component.h"
#include "tensor/lane.h"

extern const struct component attention_full, attention_sliding;

// The options of attention/sliding, in the order of its table.
struct sliding {
    int64_t window, dilation;
};

// Lengths at and beside the edges of tiles and words; windows below, at and above them.
enum { LENGTHS = 12, WINDOWS = 6 };
extern const int64_t lengths[LENGTHS];
extern const struct sliding windows[WINDOWS];

extern const struct attention_pattern strided;       // two passes: the last 4 keys, then every 4th key before them
extern const struct attention_pattern bidirectional; // every key, later ones too
void all_spans(const void *options, int pass, struct span queries, int64_t time, struct span_list *keys);
bool everything(const void *options, int pass, int64_t query, int64_t key);

struct setup {
    enum real real;
    bool explicit_scores;
    int64_t sequences, time, n_head, kv_heads, head_dim;
    double softcap;
    bool alibi;
    const struct attention_pattern *pattern;
    const void *options;
};

enum array { QUERY, KEY, VALUE, OUTPUT, ARRAYS };
struct bench {
    struct graph graph;
    struct parameters parameters;
    struct error error;
    struct attention_schedule schedule;
    double slopes[16];
    const struct node *node;
    struct lane lane;
    void *arena, *workspace;
    size_t arena_bytes;
    int64_t rows;
};

// Everything starts as NaN, the workspace too; then inputs and the output's gradient get values that do not depend on the type.
void bench_open(struct bench *bench, const struct setup *setup);
void bench_close(struct bench *bench);
// The elements of an array, and the arrays themselves, of the setup's type.
int64_t bench_count(const struct bench *bench, enum array array);
void *bench_values(const struct bench *bench, enum array array);
void *bench_gradients(const struct bench *bench, enum array array);
double bench_get(enum real real, const void *array, int64_t i);
void bench_forward(struct bench *bench);
void bench_backward(struct bench *bench);

#endif
