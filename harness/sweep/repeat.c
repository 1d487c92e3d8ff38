// repeat.c: see repeat.h.
#include "sweep/repeat.h"

#include <string.h>

#include "base/text.h"
#include "sweep/experiment.h"

enum { WORDS_MAX = 16 };

struct words {
    struct store *store;
    const char *run; // the stored one
    struct arena *arena;
    const char *set[WORDS_MAX + 1]; // NULL-ended
    int count;
    const char *differs; // the first key that is otherwise than stored; NULL: none
    bool has_source;     // its init names the run that it started from, whatever the file called it
    bool is_read;
};

static bool is_of_slot(const char *key, enum slot slot)
{
    size_t length = strlen(slot_facts[slot].name);
    return !strncmp(key, slot_facts[slot].name, length) && (key[length] == '.' || !key[length]);
}

// Seeds are told by the view, and a slot's options in its own value, which comes before them.
static void compare_key(void *context, const char *key, const char *value, bool is_default)
{
    struct words *words = context;
    struct error unread = {0};
    const char *stored;
    (void)is_default;
    if (words->differs || !words->is_read || !strcmp(key, "seed") || (words->has_source && is_of_slot(key, SLOT_INIT)))
        return;
    words->is_read = view_option(words->store, words->run, key, words->arena, &stored, &unread);
    if (words->is_read && stored && strcmp(stored, value) != 0)
        words->differs = arena_format(words->arena, "%s=%s", key, stored);
}

static bool add_word(struct words *words, const char *word)
{
    if (words->count == WORDS_MAX)
        return false;
    words->set[words->count++] = word;
    return true;
}

// Beside the baseline, arms are what differs from it.
static bool same_arms(const struct experiment *experiment, const struct experiment_view *view)
{
    bool same = experiment->arm_count == view->arm_count && !strcmp(experiment->name, view->name);
    for (int i = 0; same && i < view->arm_count; i++)
        same = !strcmp(experiment->arms[i].name, view->arms[i].name) &&
               !strcmp(experiment->arms[i].differs, view->arms[i].differs);
    return same;
}

// Reads the file under the words found so far, and adds one where the baseline differs still: what follows from it, as a
// shorter warm-up from fewer steps, needs none of its own. *whole is true when nothing differs.
static bool add_difference(struct words *words, const struct experiment_view *view, struct repeat *repeat, bool *whole)
{
    const struct experiment_changes changes = {.set = words->set};
    struct experiment experiment;
    struct error unread = {0};
    if (!experiment_read(view->file, &changes, &experiment, &unread))
        return false;
    const struct run *baseline = &experiment.arms[0].run;
    words->differs = NULL;
    words->has_source = run_source(baseline) != NULL;
    run_visit(baseline, compare_key, words);
    bool other_seed = experiment.first_seed != view->seeds[0];
    *whole = !words->differs && !other_seed;
    bool done = words->is_read;
    if (*whole)
        done = done && same_arms(&experiment, view);
    else
        done = done && add_word(words, words->differs ? words->differs
                                                      : arena_format(words->arena, "seed=%lld", (long long)view->seeds[0]));
    repeat->replicates = experiment.replicates == view->seed_count ? 0 : view->seed_count;
    experiment_close(&experiment);
    return done;
}

bool repeat_find(struct store *store, const struct experiment_view *view, struct arena *arena, struct repeat *repeat)
{
    struct words words = {.store = store, .arena = arena, .is_read = true};
    bool whole = false, done = view->file && view->arm_count > 0 && view->seed_count > 0;
    *repeat = (struct repeat){0};
    for (int j = 0; done && j < view->seed_count && !words.run; j++)
        words.run = *view->arms[0].runs[j].id ? view->arms[0].runs[j].id : NULL;
    done = done && words.run;
    while (done && !whole)
        done = add_difference(&words, view, repeat, &whole);
    const char **set = arena_allocate(arena, WORDS_MAX + 1, sizeof *set);
    memcpy(set, words.set, sizeof words.set);
    repeat->set = set;
    return done;
}
