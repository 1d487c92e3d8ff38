// subject.c: the small run that every check starts from.
#include "check/subject.h"

#include <stdio.h>

void subject_run(struct run *run, const struct component *component, bool small_options, struct arena *arena)
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
        return;
    run_set(run, slot_facts[component->slot].name, component->name, arena, &unread);
    for (const struct option *option = component->options; small_options && option && option->name; option++) {
        char key[64], value[32];
        if (option->type != OPTION_INT || option->max < 2)
            continue;
        snprintf(key, sizeof key, "%s.%s", slot_facts[component->slot].name, option->name);
        snprintf(value, sizeof value, "%d", option->min > 2 ? (int)option->min : 2);
        run_set(run, key, value, arena, &unread);
    }
}
