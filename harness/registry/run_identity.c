// run_identity.c: a run made whole, or refused; and its identity.
//
// Derived values and the refusals that follow from scalars alone stand here; what a component cannot serve is its own
// `accepts`. Two ways to write one run have one identity: only values count that are not default, a list is brought to its
// shortest form, and what merely says how a run is carried out is left out. Called by planning, training and every check of a
// request.
#include <string.h>

#include "registry/run.h"

static bool same_choice(enum slot slot, const struct choice *a, const struct choice *b)
{
    struct text x = {0}, y = {0};
    choice_print(slot, a, &x);
    choice_print(slot, b, &y);
    bool same = strcmp(x.data, y.data) == 0;
    text_free(&x);
    text_free(&y);
    return same;
}

// The shortest list that gives each of n_layer layers the same choice: [a, b, a, b] is [a, b].
static void shorten(enum slot slot, struct setting *setting, int64_t n_layer)
{
    for (int period = 1; period < setting->count; period++) {
        bool same = true;
        for (int64_t layer = period; layer < n_layer && layer < (int64_t)setting->count * period && same; layer++)
            same = same_choice(slot, &setting->choices[layer % setting->count], &setting->choices[layer % period]);
        if (same) {
            setting->count = period;
            return;
        }
    }
}

// What no layer would have is not dropped in silence.
static bool list_fits(enum slot slot, const struct setting *setting, int64_t n_layer, struct error *error)
{
    return setting->count <= n_layer ||
           error_request(error, "%s: its list has %d entries for %lld layer%s; shorten it, or set model.n_layer to %d or more",
                         slot_facts[slot].name, setting->count, (long long)n_layer, n_layer == 1 ? "" : "s", setting->count);
}

static bool resolve_scalars(struct run *run, struct error *error)
{
    struct model_scalars *model = &run->model;
    bool done = true;
    if (model->head_dim == 0 && model->d_model % model->n_head != 0)
        done = error_request(error, "model.n_head: %lld heads do not divide model.d_model %lld; set model.head_dim",
                             (long long)model->n_head, (long long)model->d_model);
    else if (model->head_dim == 0)
        model->head_dim = model->d_model / model->n_head;
    // A default must not stand in the way of a first short try.
    if (option_is_default(option_find(run_scalars, "train.warmup"), run) && run->train.steps < 2 * run->train.warmup)
        run->train.warmup = run->train.steps / 10;
    if (run->train.warmup > run->train.steps)
        done = error_request(error, "train.warmup: %lld steps of warm-up are more than train.steps %lld; set it lower",
                             (long long)run->train.warmup, (long long)run->train.steps);
    return done;
}

static bool accepts(const struct choice *choice, const struct run *run, struct error *error)
{
    if (!choice->component || !choice->component->accepts)
        return true;
    bool done = choice->component->accepts(choice->options.bytes, run, error);
    error->is_request |= !done;
    return done;
}

static bool accepts_all(const struct run *run, struct error *error)
{
    bool done = true;
    for (int slot = 0; slot < SLOT_COUNT; slot++)
        for (int i = 0; i < run->slots[slot].count; i++)
            done = accepts(&run->slots[slot].choices[i], run, error) && done;
    return done;
}

void run_eval_as(const struct run *run, int i, struct run *as)
{
    *as = *run;
    as->slots[SLOT_ATTENTION] = (struct setting){.count = 1, .choices = {run->eval_as.choices[i]}};
    as->eval_as.count = 0;
}

// Metrics are told by these names, so each stands once.
static bool resolve_eval_as(const struct run *run, int i, struct error *error)
{
    const struct setting *eval_as = &run->eval_as;
    struct run as;
    struct error trouble = {0};
    struct text lead = {0};
    bool again = false;
    for (int j = 0; j < i; j++)
        again |= same_choice(SLOT_ATTENTION, &eval_as->choices[i], &eval_as->choices[j]);
    text_add(&lead, "eval_as: ");
    choice_print(SLOT_ATTENTION, &eval_as->choices[i], &lead);
    text_add(&lead, ": ");
    run_eval_as(run, i, &as);
    bool done = again ? error_request(&trouble, "it stands there twice") : accepts_all(&as, &trouble);
    if (!done)
        error_carry(error, lead.data, &trouble);
    text_free(&lead);
    return done;
}

bool run_resolve(struct run *run, struct error *error)
{
    bool whole = resolve_scalars(run, error), done = whole;
    for (int slot = 0; slot < SLOT_COUNT; slot++) {
        struct setting *setting = &run->slots[slot];
        done = list_fits((enum slot)slot, setting, run->model.n_layer, error) && done;
        shorten((enum slot)slot, setting, run->model.n_layer);
        if (setting->count == 0) {
            const struct slot_facts *facts = &slot_facts[slot];
            whole = done =
                error_request(error, "%s: its default, %s, is not among the components; name another. See: ablate list %s",
                              facts->name, facts->fallback, facts->name);
        }
    }
    // A component may rely on a run that is whole.
    if (whole)
        done = accepts_all(run, error) && done;
    for (int i = 0; done && i < run->eval_as.count; i++)
        done = resolve_eval_as(run, i, error);
    return done;
}

static void add_line(struct text *text, const char *key, const struct option *option, const void *target)
{
    struct text value = {0};
    option_print(option, target, &value);
    text_add(text, "%s=%zu:%s\n", key, value.length, value.data); // the length keeps a text's own newlines from being keys
    text_free(&value);
}

static void add_setting(struct text *text, const char *name, enum slot slot, const struct setting *setting)
{
    for (int i = 0; i < setting->count; i++) {
        const struct choice *choice = &setting->choices[i];
        if (!choice->component) {
            text_add(text, "%s=%s\n", name, slot_facts[slot].off);
            continue;
        }
        text_add(text, "%s=%s version %d\n", name, choice->component->name, choice->component->version);
        for (const struct option *option = choice->component->options; option && option->name; option++) {
            if (!option->not_identity && !option_is_default(option, choice->options.bytes))
                add_line(text, option->name, option, choice->options.bytes);
        }
    }
}

void run_identity_text(const struct run *run, const char *data_hash, const char *backend, struct text *text)
{
    for (const struct option *scalar = run_scalars; scalar->name; scalar++) {
        bool always = scalar->offset == offsetof(struct run, train.lanes);
        if (always || (!scalar->not_identity && !run_scalar_is_default(run, scalar)))
            add_line(text, scalar->name, scalar, run);
    }
    for (int slot = 0; slot < SLOT_COUNT; slot++)
        add_setting(text, slot_facts[slot].name, (enum slot)slot, &run->slots[slot]);
    add_setting(text, "eval_as", SLOT_ATTENTION, &run->eval_as);
    text_add(text, "data_hash=%s\nbackend=%s\n", data_hash, backend);
}

void run_identity(const struct run *run, const char *data_hash, const char *backend, char id[RUN_ID_SIZE])
{
    char hash[HASH_TEXT_SIZE];
    struct text text = {0};
    run_identity_text(run, data_hash, backend, &text);
    hash_bytes(text.data, text.length, hash);
    memcpy(id, hash, RUN_ID_SIZE - 1);
    id[RUN_ID_SIZE - 1] = '\0';
    text_free(&text);
}
