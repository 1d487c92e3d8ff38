// lsh.c: the keys that hash as the query does. Kitaev et al. 2020 (Reformer), arXiv 2001.04451, section 2.
//
// Query and key are one projection: there is no k_proj, and the keys are q / |q|. With T <= chunk a query sees every key before
// it, the first one itself. Beyond, each round hashes the positions of a head into at least 2 ceil(T / chunk) buckets; query i
// sees key j <= i of its bucket in its own and the previous chunk of `chunk` neighbours, in any round, and itself only if it
// sees nothing else. Softmax is over the union of the rounds, each pair once; the paper weighs a pair by its rounds and takes
// that out again. Reformer cuts the sorted sequence into chunks, so that later tokens move its borders; here the past alone
// decides.
//
// Rotations are drawn for every step; a checkpoint's self_attn.rotations [n_head, rounds, head_dim, columns] takes their place.
// Attention's own cost grows with T. That of hashing, a small part, grows with T squared up to 128 buckets, and with T sqrt(T)
// above, where two hashes are factors. The paper calls the whole T log T, and so does the descriptor.
//
// Refuses model.causal: false, heads that share keys, and qk_norm, which would normalise the one projection twice.
#include "registry/component.h"

extern const struct component attention_lsh;

struct lsh_options {
    int64_t chunk, rounds;
};

static const struct option options[] = {
    {"chunk", OPTION_INT, offsetof(struct lsh_options, chunk), .fallback = "64", .min = 1, .max = 1 << 30, .unit = "positions",
     .help = "neighbours in a bucket that see each other, and those in the chunk before them"},
    {"rounds", OPTION_INT, offsetof(struct lsh_options, rounds), .fallback = "4", .min = 1, .max = LSH_ROUNDS_MAX,
     .help = "hashes of a position; more find more of the keys that full attention would weigh"},
    {0},
};

// One chunk: all keys before the query, and the first itself.
static void spans(const struct attention_view *view, int64_t place, int64_t position, struct span_list *keys)
{
    (void)view, (void)place;
    span_list_add(keys, 0, position > 0 ? position : 1);
}

static struct lsh hashes(const void *self, int64_t time)
{
    const struct lsh_options *chosen = self;
    return lsh_of(time, chosen->chunk, chosen->rounds);
}

static struct tensor *hashed(const struct block *block, const struct lsh *lsh, struct tensor *query)
{
    const struct model_scalars *model = block->model;
    const int64_t shape[] = {model->n_head, lsh->rounds, model->head_dim, lsh_columns(lsh)};
    const char *name = block_name(block, "self_attn.rotations");
    const struct lsh_hash hash = {
        .lsh = *lsh, .n_head = model->n_head, .head_dim = model->head_dim, .seed = (uint64_t)block->run->seed, .name = name};
    return op_lsh_hash(block->graph, query, graph_constant(block->graph, name, 4, shape), &hash);
}

static struct tensor *build(const struct block *block, const void *self, struct tensor *x)
{
    int64_t width = block->model->n_head * block->model->head_dim;
    struct lsh lsh = hashes(self, block->graph->time);
    struct tensor *query = block_scored(block, x, "q", "", block->model->n_head);
    struct tensor *key = op_unit(block->graph, query, block->model->head_dim);
    struct tensor *value = block_linear(block, x, "self_attn.v_proj", ROLE_MATRIX, width);
    struct tensor *mixed = lsh_buckets(&lsh) == 1
                               ? block_mix(block, &attention_lsh, self, &attention_lsh.attention.pattern, query, key, value)
                               : block_mix_hashed(block, &lsh, query, key, value, hashed(block, &lsh, query));
    return block_linear(block, mixed, "self_attn.o_proj", ROLE_BRANCH_OUT, block->model->d_model);
}

static bool accepts(const void *self, const struct run *run, struct error *error)
{
    const struct choice *heads = &run->slots[SLOT_HEADS].choices[0];
    int64_t kv_heads = heads->component->heads.kv_heads(&heads->options, &run->model);
    (void)self;
    if (!run->model.causal)
        return error_request(error, "attention: lsh is defined over the past alone; set model.causal: true, or take full, "
                                    "sliding or longformer");
    if (kv_heads != run->model.n_head)
        return error_request(error,
                             "attention: lsh makes a head's keys from its queries, so %lld heads cannot share %lld; set "
                             "heads: mha",
                             (long long)run->model.n_head, (long long)kv_heads);
    if (run->slots[SLOT_QK_NORM].choices[0].component)
        return error_request(error, "attention: lsh has one projection for queries and keys, and its keys have length 1 "
                                    "already; set qk_norm: none");
    return true;
}

const struct component attention_lsh = {
    .slot = SLOT_ATTENTION,
    .name = "lsh",
    .version = 1,
    .summary = "each query sees the keys that hash as it does, in chunks of a bucket; queries and keys are one projection",
    .source = "arXiv 2001.04451, section 2",
    .options = options,
    .options_size = sizeof(struct lsh_options),
    .complexity = COMPLEXITY_N_LOG_N,
    .accepts = accepts,
    .attention = {.pattern = {.spans = spans}, .build = build, .hashes = hashes},
};
