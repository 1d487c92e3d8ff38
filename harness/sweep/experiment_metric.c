// experiment_metric.c: the metrics that an experiment file may name: to compare its arms on, to require of them, to claim of
// them.
//
// Refuses what no run tells, with "did you mean", and "val_loss@full" where an arm is not evaluated so. Called while a file is
// read.
#include <string.h>

#include "registry/expectation.h"
#include "sweep/draft.h"

// What a run tells (train/train.h) that arms can be compared on.
static const char *const metric_names[] = {
    "val_loss",      "val_excess", "val_accuracy",  "val_perplexity",   "val_bits_per_byte", "test_loss", "test_excess",
    "test_accuracy", "train_loss", "gradient_norm", "activation_bytes", "tokens_per_s",      NULL};

const char *draft_metric(struct draft *draft, int line, const char *key, const char *name)
{
    struct error trouble = {0};
    const char *at = strchr(name, '@');
    const char *word = at ? arena_format(draft->arena, "%.*s", (int)(at - name), name) : name;
    int metric = draft_word(draft, line, arena_format(draft->arena, "%s: no metric", key), word, metric_names);
    if (metric < 0 || !at)
        return metric < 0 ? NULL : metric_names[metric];
    if (strncmp(word, "val_", 4) != 0 && strncmp(word, "test_", 5) != 0)
        error_request(&trouble, "%s is told of training, with the run's own attention; val_ and test_ metrics are told of more",
                      word);
    const char *told = metric_as_told(name, draft->arena, &trouble);
    draft_carry(draft, line, arena_format(draft->arena, "%s: ", key), &trouble);
    return told;
}

bool draft_metric_fits(struct draft *draft, int line, const char *key, const char *metric, const struct arm *arm)
{
    const char *at = strchr(metric, '@');
    bool told = !at;
    for (int i = 0; i < arm->run.eval_as.count && !told; i++) {
        struct text name = {0};
        choice_print(SLOT_ATTENTION, &arm->run.eval_as.choices[i], &name);
        told = !strcmp(name.data, at + 1);
        text_free(&name);
    }
    return told || draft_mistake(draft, line, "%s: %s is not evaluated as %s; name it under eval_as: [\"%s\"]", key, arm->name,
                                 at + 1, at + 1);
}
