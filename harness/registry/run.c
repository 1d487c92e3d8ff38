// run.c: the scalars of a run, and every key of a run by name: set, printed, visited.
//
// A key is a scalar ("train.lr"), a slot ("ffn"), an option of what fills it ("ffn.ratio") or of one entry of its list
// ("attention.0.window"); "eval_as" is a second setting of the slot `attention`. Refuses unknown keys with "did you mean".
// Called for the command line, experiment files and the store.
#include "registry/run.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/lane.h"

#define MODEL(field, type) "model." #field, type, offsetof(struct run, model.field)
#define TRAIN(field, type) "train." #field, type, offsetof(struct run, train.field)

const char *const recompute_names[] = {[RECOMPUTE_NONE] = "none", [RECOMPUTE_BLOCK] = "block", NULL};

const struct option run_scalars[] = {
    {MODEL(d_model, OPTION_INT), .fallback = "128", .min = 1, .max = 65536, .unit = "features",
     .help = "width of the residual stream"},
    {MODEL(n_layer, OPTION_INT), .fallback = "4", .min = 1, .max = 1024, .unit = "layers",
     .help = "blocks, one after the other"},
    {MODEL(n_head, OPTION_INT), .fallback = "4", .min = 1, .max = 1024, .unit = "heads",
     .help = "query heads of each attention layer"},
    {MODEL(head_dim, OPTION_INT), .fallback = "0", .min = 0, .max = 4096, .unit = "features",
     .help = "width of one head; 0: d_model / n_head"},
    {MODEL(seq_len, OPTION_INT), .fallback = "128", .min = 1, .max = 1048576, .unit = "tokens",
     .help = "length of a training sequence"},
    {MODEL(vocab, OPTION_INT), .fallback = "256", .min = 2, .max = 65536, .unit = "tokens",
     .help = "distinct tokens; 256 for bytes"},
    {MODEL(bias, OPTION_BOOL), .fallback = "false", .help = "biases in projections and LayerNorm, never in lm_head"},
    {MODEL(tie_embeddings, OPTION_BOOL), .fallback = "true",
     .help = "lm_head multiplies by the token embeddings instead of a matrix of its own"},
    {MODEL(causal, OPTION_BOOL), .fallback = "true", .help = "a query sees no later key"},
    {TRAIN(steps, OPTION_INT), .fallback = "500", .min = 1, .max = 1e9, .unit = "steps", .help = "updates of the weights"},
    {TRAIN(batch, OPTION_INT), .fallback = "16", .min = 1, .max = 65536, .unit = "sequences", .help = "sequences of one step"},
    {TRAIN(lr, OPTION_REAL), .fallback = "1e-3", .min = 0, .above_min = true,
     .help = "learning rate at its peak, after warm-up"},
    {TRAIN(warmup, OPTION_INT), .fallback = "50", .min = 0, .max = 1e9, .unit = "steps",
     .help = "steps over which the learning rate rises to its peak; a run too short for the default takes a tenth"},
    {TRAIN(clip, OPTION_REAL), .fallback = "1", .min = 0, .max = OPTION_NO_LIMIT,
     .help = "largest norm of all gradients together; longer ones are scaled down; 0: off"},
    {TRAIN(eval_every, OPTION_INT), .fallback = "0", .min = 0, .max = 1e9, .unit = "steps",
     .help = "steps between two evaluations on the validation part; 0: only at the end"},
    {TRAIN(eval_tokens, OPTION_INT), .fallback = "0", .min = 0, .max = OPTION_NO_LIMIT, .unit = "tokens",
     .help = "how much of the validation part an evaluation reads; 0: all"},
    {TRAIN(checkpoint_every, OPTION_INT), .fallback = "200", .min = 0, .max = 1e9, .unit = "steps",
     .help = "steps between two checkpoints; 0: none", .not_identity = true},
    {TRAIN(keep_weights, OPTION_BOOL), .fallback = "false", .not_identity = true,
     .help = "keeps the last weights, so that other runs can start from them: init=run(ID)"},
    {TRAIN(lanes, OPTION_INT), .fallback = "2", .min = 1, .max = LANES_MAX,
     .help = "partial sums of the gradient; at most as many threads can work"},
    {TRAIN(nudge, OPTION_REAL), .fallback = "0", .min = 0, .max = 1,
     .help = "standard deviation of a random shift of every initial weight: 1e-6 makes a placebo"},
    // The bits are the same, but memory and time are results of a run too: so it is part of what a run is.
    {TRAIN(recompute, OPTION_CHOICE), .fallback = "none", .choices = recompute_names,
     .help =
         "block: keep only what comes into a layer, and compute the rest again in the backward pass; less memory, more time"},
    {"seed", OPTION_INT, offsetof(struct run, seed), .fallback = "1", .min = 0, .max = OPTION_NO_LIMIT,
     .help = "of initial weights, batches and masks"},
    {"gemm", OPTION_CHOICE, offsetof(struct run, gemm), .fallback = "auto", .choices = gemm_library_names,
     .help = "library of matrix products; auto: by rule, from the CPU and the precision", .not_identity = true},
    {0},
};

enum { SLOT_WORD_MAX = 32 };

static const char eval_as[] = "eval_as";

// What a key names: a scalar, or (place -1: every entry) an option of a slot, or (option NULL) a slot.
struct key {
    const struct option *scalar;
    enum slot slot;
    bool is_eval_as; // not the slot's own setting
    int place;
    const char *option;
};

// `word` is the name up to its dot.
static bool unknown_key(const char *name, const char *word, struct error *error)
{
    struct nearest nearest, slot_nearest;
    nearest_open(&nearest, name);
    nearest_open(&slot_nearest, word);
    for (const struct option *option = run_scalars; option->name; option++) {
        nearest_offer(&nearest, option->name);
        const char *dot = strchr(option->name, '.');
        if (dot && strcmp(dot + 1, name) == 0) // "lr" is meant as "train.lr"
            return error_request(error, "no key \"%s\", did you mean \"%s\"? See: ablate list", name, option->name);
    }
    for (int slot = 0; slot < SLOT_COUNT; slot++)
        nearest_offer(&slot_nearest, slot_facts[slot].name);
    nearest_offer(&slot_nearest, eval_as);
    const char *scalar = nearest_answer(&nearest), *slot = nearest_answer(&slot_nearest);
    if (scalar)
        return error_request(error, "no key \"%s\", did you mean \"%s\"? See: ablate list", name, scalar);
    if (slot)
        return error_request(error, "no key \"%s\", did you mean \"%s%s\"? See: ablate list", name, slot, name + strlen(word));
    return error_request(error, "no key \"%s\". See: ablate list", name);
}

static bool key_find(const char *name, struct key *key, struct error *error)
{
    *key = (struct key){.scalar = option_find(run_scalars, name), .slot = SLOT_COUNT, .place = -1};
    if (key->scalar)
        return true;
    char word[SLOT_WORD_MAX];
    size_t length = strcspn(name, ".");
    snprintf(word, sizeof word, "%.*s", (int)(length < sizeof word ? length : 0), name);
    struct error unread = {0};
    key->is_eval_as = !strcmp(word, eval_as);
    key->slot = key->is_eval_as ? SLOT_ATTENTION : slot_find(word, &unread);
    if (key->slot == SLOT_COUNT)
        return unknown_key(name, word, error);
    if (!name[length])
        return true;
    key->option = name + length + 1;
    if (isdigit((unsigned char)*key->option)) {
        char *end;
        long place = strtol(key->option, &end, 10);
        if (*end != '.' || place >= LAYER_LIST_MAX)
            return error_request(error, "no key \"%s\"; an entry's option is named as %s.0.option", name, word);
        key->place = (int)place;
        key->option = end + 1;
    }
    return true;
}

void run_defaults(struct run *run, struct arena *arena)
{
    *run = (struct run){0};
    option_defaults(run_scalars, run, arena);
    for (int slot = 0; slot < SLOT_COUNT; slot++) {
        struct error unread = {0}; // a default that is not built in leaves the slot empty; run_resolve says so
        if (!setting_parse((enum slot)slot, slot_facts[slot].fallback, &run->slots[slot], arena, &unread))
            run->slots[slot].count = 0;
    }
}

static struct setting *setting_of(const struct run *run, const struct key *key)
{
    return (struct setting *)(key->is_eval_as ? &run->eval_as : &run->slots[key->slot]);
}

static const char *where_is(const struct key *key) { return key->is_eval_as ? eval_as : slot_facts[key->slot].name; }

static void print_setting(const struct run *run, const struct key *key, struct text *text)
{
    if (key->is_eval_as && run->eval_as.count == 0)
        text_add(text, "none");
    else
        setting_print(key->slot, setting_of(run, key), text);
}

static bool set_setting(struct run *run, const struct key *key, const char *value, struct arena *arena, struct error *error)
{
    struct setting setting = {0};
    struct error trouble = {0};
    if (key->is_eval_as && strcmp(value, "none") != 0 && !setting_parse(key->slot, value, &setting, arena, &trouble))
        return error_carry(error, "eval_as: ", &trouble);
    if (!key->is_eval_as && !setting_parse(key->slot, value, &setting, arena, error))
        return false;
    *setting_of(run, key) = setting;
    return true;
}

// The entries of a slot that have the key's option, one after the other; NULL at the end.
static struct choice *next_choice(const struct run *run, const struct key *key, int *i, const struct option **option)
{
    struct setting *setting = setting_of(run, key);
    for (; *i < setting->count; ++*i) {
        struct choice *choice = &setting->choices[*i];
        if ((key->place >= 0 && key->place != *i) || !choice->component)
            continue;
        *option = option_find(choice->component->options, key->option);
        if (*option) {
            ++*i;
            return choice;
        }
    }
    return NULL;
}

static bool no_option(const struct run *run, const char *name, const struct key *key, struct error *error)
{
    const struct setting *setting = setting_of(run, key);
    const char *where = where_is(key);
    struct text value = {0};
    print_setting(run, key, &value);
    struct nearest nearest;
    nearest_open(&nearest, key->option);
    bool any = false;
    for (int i = 0; i < setting->count; i++) {
        const struct component *component = setting->choices[i].component;
        any |= component != NULL;
        for (const struct option *option = component ? component->options : NULL; option && option->name; option++)
            nearest_offer(&nearest, option->name);
    }
    if (!any)
        error_request(error, "%s: %s is %s, which has no options; set %s first", name, where, value.data, where);
    else if (nearest_answer(&nearest))
        error_request(error, "%s: %s is %s, which has no option \"%s\"%s", name, where, value.data, key->option,
                      nearest_suggestion(&nearest).text);
    else
        error_request(error, "%s: %s is %s, which has no option \"%s\". See: ablate describe %s/NAME", name, where, value.data,
                      key->option, slot_facts[key->slot].name);
    text_free(&value);
    return false;
}

bool run_set(struct run *run, const char *key_name, const char *value, struct arena *arena, struct error *error)
{
    struct key key;
    if (!key_find(key_name, &key, error))
        return false;
    if (key.scalar)
        return option_set(key.scalar, run, value, arena, error);
    if (!key.option)
        return set_setting(run, &key, value, arena, error);
    const struct option *option = NULL;
    struct choice *choice;
    bool any = false;
    for (int i = 0; (choice = next_choice(run, &key, &i, &option)); any = true) {
        struct error trouble = {0};
        if (!option_set(option, choice->options.bytes, value, arena, &trouble))
            return error_carry(error, arena_format(arena, "%s.", where_is(&key)), &trouble);
    }
    return any || no_option(run, key_name, &key, error);
}

bool run_set_pair(struct run *run, const char *pair, struct arena *arena, struct error *error)
{
    const char *equals = strchr(pair, '=');
    if (!equals)
        return error_request(error, "\"%s\" is not of the form key=value, such as ffn=swiglu or train.lr=1e-3", pair);
    return run_set(run, arena_format(arena, "%.*s", (int)(equals - pair), pair), equals + 1, arena, error);
}

bool run_print(const struct run *run, const char *key_name, struct text *text)
{
    struct error unread = {0};
    struct key key;
    if (!key_find(key_name, &key, &unread))
        return false;
    const struct option *option = key.scalar;
    const struct choice *choice = NULL;
    if (option) {
        option_print(option, run, text);
    } else if (!key.option) {
        print_setting(run, &key, text);
    } else {
        choice = next_choice(run, &key, &(int){0}, &option);
        if (choice)
            option_print(option, choice->options.bytes, text);
    }
    return key.scalar || !key.option || choice;
}

const struct choice *run_choice(const struct run *run, enum slot slot, int64_t layer)
{
    const struct setting *setting = &run->slots[slot];
    return &setting->choices[layer > 0 && setting->count > 0 ? layer % setting->count : 0];
}

const char *run_source(const struct run *run)
{
    const struct choice *init = run_choice(run, SLOT_INIT, 0);
    return init->component->init.source ? init->component->init.source(init->options.bytes) : NULL;
}

// A head_dim that was derived, or set to what would be derived, is the default.
bool run_scalar_is_default(const struct run *run, const struct option *scalar)
{
    if (scalar->offset == offsetof(struct run, model.head_dim) && run->model.head_dim * run->model.n_head == run->model.d_model)
        return true;
    return option_is_default(scalar, run);
}

struct gemm_way run_gemm_way(const struct run *run)
{
    return gemm_rule((enum gemm_library)run->gemm, run_choice(run, SLOT_PRECISION, 0)->component->precision.products);
}

typedef void (*visitor)(void *context, const char *key, const char *value, bool is_default);

static void visit_option(const char *key, const struct option *option, const void *target, bool is_default, visitor visit,
                         void *context)
{
    struct text value = {0};
    option_print(option, target, &value);
    visit(context, key, value.data, is_default);
    text_free(&value);
}

static void visit_slot(const struct run *run, enum slot slot, visitor visit, void *context)
{
    const struct setting *setting = &run->slots[slot];
    struct text value = {0};
    setting_print(slot, setting, &value);
    visit(context, slot_facts[slot].name, value.data, strcmp(value.data, slot_facts[slot].fallback) == 0);
    text_free(&value);
    for (int i = 0; i < setting->count; i++) {
        const struct choice *choice = &setting->choices[i];
        for (const struct option *o = choice->component ? choice->component->options : NULL; o && o->name; o++) {
            struct text key = {0};
            text_add(&key, "%s.", slot_facts[slot].name);
            if (setting->count > 1)
                text_add(&key, "%d.", i);
            text_add(&key, "%s", o->name);
            visit_option(key.data, o, choice->options.bytes, option_is_default(o, choice->options.bytes), visit, context);
            text_free(&key);
        }
    }
}

void run_visit(const struct run *run, visitor visit, void *context)
{
    for (const struct option *scalar = run_scalars; scalar->name; scalar++)
        visit_option(scalar->name, scalar, run, run_scalar_is_default(run, scalar), visit, context);
    for (int slot = 0; slot < SLOT_COUNT; slot++)
        visit_slot(run, (enum slot)slot, visit, context);
    const struct key key = {.slot = SLOT_ATTENTION, .is_eval_as = true};
    struct text value = {0};
    print_setting(run, &key, &value);
    visit(context, eval_as, value.data, run->eval_as.count == 0);
    text_free(&value);
}
