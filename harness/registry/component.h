// component.h: the whole contract between the program and a component.
//
// A component is one way to fill a slot: one file, variants/<slot>/<name>.c, that ends in `const struct component
// <slot>_<name>`. `make` finds the file by its place; the same file built as a shared object <name>.so is a plug-in (--plugin).
// A component includes this header and the graph's pieces (tensor/ops.h) and nothing else.
#ifndef REGISTRY_COMPONENT_H
#define REGISTRY_COMPONENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/file.h"
#include "base/random.h"
#include "registry/option.h"
#include "tensor/ops.h"

// Raised when a structure of this header or of the graph changes. Every object file that includes the header carries it, so a
// plug-in of another number is refused before its descriptor is read.
enum { COMPONENT_ABI = 4, OPTIONS_SIZE_MAX = 96, LAYER_LIST_MAX = 16 };
__attribute__((weak, visibility("default"))) extern const int ablate_component_abi;
__attribute__((weak, visibility("default"))) const int ablate_component_abi = COMPONENT_ABI;

enum slot {
#define SLOT(constant, name, fallback, off, per_layer, summary) SLOT_##constant,
#include "registry/slots.def"
#undef SLOT
    SLOT_COUNT
};

// ---- What a run is: every slot filled, every scalar set, one seed -----------------------------------------------------------

struct model_scalars {
    int64_t d_model, n_layer, n_head, head_dim, seq_len, vocab;
    bool bias, tie_embeddings, causal;
};
struct train_scalars {
    int64_t steps, batch, warmup, eval_every, eval_tokens, checkpoint_every, lanes;
    double lr, clip, nudge;
    bool keep_weights;
    int recompute; // enum recompute
};
// What the backward pass computes again instead of keeping it.
enum recompute { RECOMPUTE_NONE, RECOMPUTE_BLOCK };
extern const char *const recompute_names[]; // "none", "block", NULL
// One way to fill a slot: a component and its parsed options, or `off` (component NULL).
struct choice {
    const struct component *component;
    union {
        unsigned char bytes[OPTIONS_SIZE_MAX];
        double aligned;
    } options;
};
// A slot's value: one choice, or a list that is cycled over the layers.
struct setting {
    int count;
    struct choice choices[LAYER_LIST_MAX];
};
struct run {
    struct model_scalars model;
    struct train_scalars train;
    int64_t seed;
    int gemm; // enum gemm_library
    struct setting slots[SLOT_COUNT];
    struct setting eval_as; // attentions to evaluate with too, each in all layers; count 0: none
};

// ---- What the program offers while a model is built --------------------------------------------------------------------

struct block {
    struct graph *graph;
    const struct run *run;
    const struct model_scalars *model;
    int layer;        // -1 outside the layers
    int64_t kv_heads; // of the heads component
};

// "model.layers.3." + suffix in a layer, "model." + suffix outside: the safetensors name.
const char *block_name(const struct block *block, const char *suffix);
struct tensor *block_parameter(const struct block *block, const char *suffix, enum parameter_role role, int rank,
                               const int64_t *shape);
// The gain of a normalisation, <name>.weight [width].
struct tensor *block_gain(const struct block *block, const char *name, int64_t width);
// A projection <name>.weight [out, width of x], with <name>.bias [out] where model.bias is set.
struct tensor *block_linear(const struct block *block, struct tensor *x, const char *name, enum parameter_role role,
                            int64_t out);
// The same for queries and keys (op_linear_of_scores).
struct tensor *block_linear_of_scores(const struct block *block, struct tensor *x, const char *name, int64_t out);
// The run's norm, named <name>.weight (and <name>.bias).
struct tensor *block_norm(const struct block *block, struct tensor *x, const char *name);
// The two branches of a layer, as the run's attention and ffn components build them, dropout included.
struct tensor *block_attention(const struct block *block, struct tensor *x);
struct tensor *block_ffn(const struct block *block, struct tensor *x);
// One set of q, k and v projections, qk_norm, position and soft cap of the run, over a pattern; what o_proj multiplies. `set`
// is "" for the usual names, or a part of them: "_global" for self_attn.q_global_proj and so on.
struct tensor *block_attend(const struct block *block, const struct component *self, const void *options,
                            const struct attention_pattern *pattern, const char *set, struct tensor *x);
// Its parts, for components that share or leave out projections. Queries ("q") or keys ("k"): projected by
// self_attn.<which><set>_proj, normalised per head by the run's qk_norm, and turned by their position.
struct tensor *block_scored(const struct block *block, struct tensor *x, const char *which, const char *set, int64_t heads);
// The values that each query's softmax weighs, over the pairs of a pattern, or of hashes (attention_lsh.h); n_head heads of
// rows.
struct tensor *block_mix(const struct block *block, const struct component *self, const void *options,
                         const struct attention_pattern *pattern, struct tensor *query, struct tensor *key,
                         struct tensor *value);
struct tensor *block_mix_hashed(const struct block *block, const struct lsh *lsh, struct tensor *query, struct tensor *key,
                                struct tensor *value, struct tensor *buckets);
// The usual set over the component's own pattern, and o_proj.
struct tensor *block_standard_attention(const struct block *block, const struct component *self, const void *options,
                                        struct tensor *x);

// The layer's dropout at the embeddings; x itself when the run has none.
struct tensor *block_embedding_dropout(const struct block *block, struct tensor *x);
// The two shapes of feed-forward layers; their components share one pair of options. `activation` NULL: none.
struct ffn_width {
    double ratio;
    int64_t d_ff;
};
extern const struct option ffn_plain_options[], ffn_gated_options[]; // ratio 4, and 8/3
// Their `accepts`: refuse a ratio beside a d_ff, which would be ignored.
bool ffn_plain_accepts(const void *width, const struct run *run, struct error *error);
bool ffn_gated_accepts(const void *width, const struct run *run, struct error *error);
struct tensor *ffn_plain(const struct block *block, const struct ffn_width *width, struct tensor *x,
                         struct tensor *(*activation)(struct graph *, struct tensor *));
struct tensor *ffn_gated(const struct block *block, const struct ffn_width *width, struct tensor *x,
                         struct tensor *(*activation)(struct graph *, struct tensor *));

// ---- What a component offers, per slot -----------------------------------------------------------------------------------

struct heads_calls {
    int64_t (*kv_heads)(const void *options, const struct model_scalars *model);
};
struct attention_calls {
    struct attention_pattern pattern;
    // NULL: block_standard_attention.
    struct tensor *(*build)(const struct block *block, const void *options, struct tensor *x);
    // Who sees whom follows from the tokens: how they are hashed at a length. `pattern` holds where all of them share one
    // bucket.
    struct lsh (*hashes)(const void *options, int64_t time);
};
// Every call may be NULL: a scheme works at one of these places.
struct position_calls {
    struct tensor *(*embed)(const struct block *block, const void *options, struct tensor *x);  // at the embeddings
    struct tensor *(*rotate)(const struct block *block, const void *options, struct tensor *x); // queries and keys
    double (*slope)(const void *options, int64_t head, int64_t n_head);                         // score -= slope * distance
};
struct norm_calls {
    // `name` as for block_norm; qk_norm components get [rows, heads head_dim] and normalise each head.
    struct tensor *(*build)(const struct block *block, const void *options, struct tensor *x, const char *name);
};
struct softcap_calls {
    double (*cap)(const void *options);
};
struct ffn_calls {
    struct tensor *(*build)(const struct block *block, const void *options, struct tensor *x);
};
// A stream of one or two tensors runs through the layers.
struct stream {
    struct tensor *a, *b;
};
struct residual_calls {
    struct stream (*open)(const struct block *block, struct tensor *x);
    struct stream (*layer)(const struct block *block, struct stream stream);
    struct tensor *(*close)(const struct block *block, struct stream stream); // what lm_head multiplies
    // A layer's input follows from its output by sums a + f(b) alone: in training it is rebuilt from there instead of kept.
    bool reversible;
};
struct init_calls {
    // Standard deviation of a normal distribution, for ROLE_EMBEDDING, ROLE_MATRIX and ROLE_BRANCH_OUT.
    double (*deviation)(const void *options, const struct parameter *parameter, const struct model_scalars *model);
    // Instead of it: the id of the finished run whose last weights are this one's first; "" where a plan has yet to find it.
    const char *(*source)(const void *options);
};
struct coefficient_calls {
    double (*value)(const void *options); // z_loss: the coefficient; dropout: the rate
};
struct optimizer_step {
    double lr;      // lr(t), after schedule and warm-up
    double peak_lr; // train.lr
    int64_t step;   // from 0
    double scale;   // gradients are multiplied by this first: clip/norm, or 1
    bool decays;    // the tensor has two or more dimensions
};
enum { OPTIMIZER_STATE_MAX = 2 };
struct optimizer_calls {
    int state_count; // arrays of the tensor's size that it keeps: moments, momentum
    bool measures;   // apply needs `measured` of the whole tensor first
    // A partial sum over elements [0, count) of a tensor, in double; partial sums are added in fixed order. State is not
    // written.
    double (*measure)(const void *options, const struct optimizer_step *step, int64_t count, const float *gradient,
                      float *const *state);
    // Updates `count` elements; `measured` is the sum of measure over all `size` elements of the tensor.
    void (*apply)(const void *options, const struct optimizer_step *step, int64_t count, float *values, const float *gradient,
                  float *const *state, double measured, int64_t size);
};
// The update that Adam and its relatives share. state is {m, v}; g = scale gradient + penalty p, then
//   m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g^2,  p = keep p - lr m^ / (sqrt(v^) + eps),
// where m^ and v^ are m and v over 1 - beta^(step + 1). Kingma and Ba 2015, arXiv 1412.6980, algorithm 1.
struct adam_update {
    double beta1, beta2, eps;
    double lr;      // of this step and tensor
    double penalty; // of the gradient: 0 for none
    double keep;    // what decay leaves of the weight: 1 for none
};
void adam_update(const struct adam_update *update, const struct optimizer_step *step, int64_t count, float *values,
                 const float *gradient, float *const *state);
struct precision_calls {
    enum gemm_format products; // what the operands of products are rounded to
};
struct schedule_calls {
    // Fraction of the peak learning rate at `step` of `steps`, both counted from the end of warm-up, which took `warmup` steps.
    double (*factor)(const void *options, int64_t step, int64_t steps, int64_t warmup);
};

// Three parts, each of one kind: a stream of tokens, of which windows of seq_len + 1 are cut (inputs and, one later, targets);
// or examples, of seq_len tokens and targets each, made when they are wanted.
enum data_part { DATA_TRAIN, DATA_VALIDATION, DATA_TEST, DATA_PARTS };
struct dataset {
    uint16_t *tokens;              // of a stream: all parts in a row
    struct span parts[DATA_PARTS]; // into tokens
    const char *files[DATA_PARTS]; // where each part came from, for messages; NULL for a generator; they are the options'
    int64_t vocab;                 // every token is below it
    float *surprise;               // -log p of each token by the source itself, in nats; NULL where unknown
    bool tokens_are_bytes;         // bits per byte can be given
    char hash[HASH_TEXT_SIZE];     // of the tokens, or of what makes the examples: part of a run's identity
    int64_t examples[DATA_PARTS];  // how many each part has; 0 in a stream
    const struct run *run;         // whose data component makes them; NULL in a stream
    size_t allocated, surprise_allocated;
};
struct data_calls {
    // A stream. The hash without the tokens where that is cheaper (a generator's options); NULL: `open` is called for it.
    void (*identity)(const void *options, char hash[HASH_TEXT_SIZE]);
    // Reads or makes the tokens. Errors name the file and what to do. Released by dataset_close, also after a failure.
    bool (*open)(const void *options, struct dataset *dataset, struct error *error);
    // Or examples, instead of both: how many a part has, and the one that `key` (random.h) stands for, tokens and targets
    // [seq_len] below model.vocab; a target of -1 counts for nothing, at least one counts, and each that does follows from the
    // tokens that its position may see: a perfect model's loss is 0.
    int64_t (*examples)(const void *options, enum data_part part);
    void (*example)(const void *options, const struct model_scalars *model, uint64_t key, int32_t *tokens, int32_t *targets);
};
// The run's data, of either kind; `run` must outlive it. And its hash, opened only where there is no cheaper way.
bool dataset_open(struct dataset *dataset, const struct run *run, struct error *error);
bool dataset_identity(const struct run *run, char hash[HASH_TEXT_SIZE], struct error *error);
void dataset_close(struct dataset *dataset);
// Example `index` of a part: always the same one, of no other part.
void dataset_example(const struct dataset *dataset, enum data_part part, int64_t index, int32_t *tokens, int32_t *targets);
// For `open`: memory for `count` tokens (and surprises). Then the split 90/5/5 of the tokens there are, or of one train and one
// held-out file (halved); it also finds vocab, and the hash unless a generator has set its own.
bool dataset_allocate(struct dataset *dataset, int64_t count, bool surprise, struct error *error);
void dataset_split(struct dataset *dataset, int64_t count);
void dataset_split_at(struct dataset *dataset, int64_t train, int64_t count);
// When a run meets its data: a stream's tokens of model.vocab or more, and parts shorter than one window of seq_len + 1, are
// refused.
bool dataset_check(const struct dataset *dataset, int64_t vocab, int64_t seq_len, struct error *error);
// The `accepts` of data whose targets are the next tokens: a model that looks ahead would see its answers.
bool dataset_accepts_next_token(const void *options, const struct run *run, struct error *error);

// How cost grows with the length of a sequence, per sequence.
enum complexity { COMPLEXITY_NONE, COMPLEXITY_N, COMPLEXITY_N_LOG_N, COMPLEXITY_N_SQUARED };

struct component {
    enum slot slot;
    const char *name;
    int version;                  // raised when a default or the meaning changes: part of a run's identity
    const char *summary;          // one line
    const char *source;           // the paper or program it follows
    const struct option *options; // ends with {0}; NULL for none
    size_t options_size;
    enum complexity complexity;
    // The one place for refusals: false with the reason when this component cannot serve this run.
    bool (*accepts)(const void *options, const struct run *run, struct error *error);
    union {
        struct heads_calls heads;
        struct attention_calls attention;
        struct position_calls position;
        struct norm_calls norm;       // norm and qk_norm
        struct softcap_calls softcap; // attn_softcap and logit_softcap
        struct ffn_calls ffn;
        struct residual_calls residual;
        struct init_calls init;
        struct coefficient_calls coefficient; // z_loss and dropout
        struct optimizer_calls optimizer;
        struct schedule_calls schedule;
        struct precision_calls precision;
        struct data_calls data;
    };
};

#endif
