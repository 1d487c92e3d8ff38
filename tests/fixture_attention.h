// fixture_attention.h: patterns, and one attention node with arrays of its own, without a model around them.
#ifndef TESTS_FIXTURE_ATTENTION_H
#define TESTS_FIXTURE_ATTENTION_H

#include "registry/component.h"
#include "tensor/lane.h"

extern const struct component attention_full, attention_sliding, attention_longformer, attention_strided, attention_fixed;

// The options of these components, in the order of their tables.
struct sliding {
    int64_t window, dilation, dilated_heads;
};
struct longformer {
    int64_t window, globals;
    int projections;
};
struct strided {
    int64_t stride;
};
struct fixed {
    int64_t stride, summary;
};

// Lengths at and beside the edges of tiles and words.
enum { LENGTHS = 12 };
extern const int64_t lengths[LENGTHS];

// Components with options below, at and above those edges, each with the design's formula for its pairs; ended by name NULL.
struct pattern_case {
    const char *name;
    const struct attention_pattern *pattern;
    const void *options;
    bool (*sees)(const void *options, int64_t head, int64_t i, int64_t j, int64_t age);
    bool both_ways; // takes model.causal: false
};
extern const struct pattern_case pattern_cases[];
bool pattern_sees(const struct pattern_case *at, bool bidirectional, int64_t head, int64_t i, int64_t j);

struct setup {
    enum real real;
    bool explicit_scores, bf16;
    int64_t sequences, time, n_head, kv_heads, head_dim;
    double softcap;
    bool alibi, bidirectional;
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
