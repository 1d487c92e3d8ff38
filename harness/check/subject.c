// subject.c: the small run that every check starts from.
#include "check/subject.h"

#include <stdio.h>

// Whether the kind has anything to set on the component.
static bool applies(const struct component *component, enum subject_kind kind)
{
    bool has_numbers = false, has_words = false;
    for (const struct option *option = component->options; option && option->name; option++) {
        has_numbers |= option->type == OPTION_INT && option->max >= 2;
        has_words |= option->type == OPTION_CHOICE;
    }
    const bool applies[SUBJECT_KINDS] = {
        [SUBJECT_DEFAULTS] = true,
        [SUBJECT_SMALL] = has_numbers,
        [SUBJECT_LAST_WORDS] = has_words,
        [SUBJECT_BOTH_WAYS] = component->slot == SLOT_ATTENTION || component->slot == SLOT_POSITION,
    };
    return applies[kind];
}

// The value of an option in a kind; false where it keeps its default.
static bool value_of(const struct option *option, enum subject_kind kind, char value[32])
{
    int word = 0;
    if (kind >= SUBJECT_SMALL && option->type == OPTION_INT && option->max >= 2)
        return snprintf(value, 32, "%d", option->min > 2 ? (int)option->min : 2) > 0;
    if (kind < SUBJECT_LAST_WORDS || option->type != OPTION_CHOICE)
        return false;
    while (option->choices[word + 1])
        word++;
    return snprintf(value, 32, "%s", option->choices[word]) > 0;
}

bool subject_hashes(const struct component *component)
{
    return component->slot == SLOT_ATTENTION && component->attention.hashes != NULL;
}

void subject_unshare_heads(struct run *run, struct arena *arena)
{
    struct run trial = *run;
    struct error refused = {0};
    if (!run_resolve(&trial, &refused))
        run_set(run, "heads", "mha", arena, &refused);
}

bool subject_run(struct run *run, const struct component *component, enum subject_kind kind, struct arena *arena)
{
    static const char *const settings[] = {
        "model.d_model=16",
        "model.n_layer=2",
        "model.n_head=4",
        "model.head_dim=4",
        "model.seq_len=13",
        "model.vocab=19",
        "model.bias=true",
        "model.tie_embeddings=false",
        "heads=gqa(kv_heads=2)",
        "train.batch=3",
        "train.nudge=0.1",
        "seed=11",
        "data=prose",
    };
    struct error unread = {0};
    run_defaults(run, arena);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        run_set_pair(run, settings[i], arena, &unread);
    if (!component)
        return kind == SUBJECT_DEFAULTS;
    run_set(run, slot_facts[component->slot].name, component->name, arena, &unread);
    for (const struct option *option = component->options; option && option->name; option++) {
        char key[64], value[32];
        snprintf(key, sizeof key, "%s.%s", slot_facts[component->slot].name, option->name);
        if (value_of(option, kind, value))
            run_set(run, key, value, arena, &unread);
    }
    if (kind == SUBJECT_BOTH_WAYS) {
        run_set(run, "model.causal", "false", arena, &unread);
        run->slots[SLOT_DATA] = (struct setting){.count = 1}; // next tokens would be seen
    }
    if (component->slot != SLOT_HEADS)
        subject_unshare_heads(run, arena);
    return applies(component, kind);
}
