// experiment_span.c: a draft spanned into arms: grid, random, ablation, and those named by hand.
//
// The baseline is: every default, the parameters with one value, the first of several values, then what `baseline:` says, then
// --set. An arm is the baseline with its own settings over it. Refuses values that slots and options refuse, runs that
// components refuse, two arms that are one run, and more arms than a machine will ever train. Called by experiment_read.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "model/model.h"
#include "sweep/draft.h"

struct span_state {
    struct draft *draft;
    struct settings settings; // the baseline's
    char (*ids)[RUN_ID_SIZE]; // of each arm, to find two that are one run
    int capacity;
    bool base_met;        // the grid holds the baseline
    int dropped;          // random draws that were there already
    struct error of_base; // why the baseline is refused
};

// One arm to be: what it sets over the baseline.
struct candidate {
    struct settings settings;
    const char *name; // NULL: what differs
    int line;
    bool by_hand;
};

// ---- Adding an arm ----------------------------------------------------------------------------------------------------------

// Every line of `trouble` but what the baseline has too: that is told once, of the baseline.
static bool carry_own(struct span_state *state, int line, const char *name, const struct error *trouble)
{
    bool is_base = strcmp(name, "(base)") == 0;
    for (const char *c = trouble->text; *c;) {
        int length = (int)strcspn(c, "\n");
        if (!strstr(state->of_base.text, arena_format(state->draft->arena, "%.*s\n", length, c)))
            draft_mistake(state->draft, is_base ? settings_line(&state->settings, c, line) : line, "%s: %.*s", name, length, c);
        c += length + (c[length] == '\n');
    }
    if (is_base)
        state->of_base = *trouble;
    return false;
}

static bool resolves(struct span_state *state, const struct run *run, const char *name, int line, char id[RUN_ID_SIZE])
{
    struct run resolved = *run;
    struct error trouble = {0};
    if (!run_resolve(&resolved, &trouble))
        return carry_own(state, line, name, &trouble);
    run_identity(&resolved, "", "", id);
    return true;
}

static void append(struct span_state *state, const struct run *run, const char *name, int line, const char *id)
{
    struct experiment *experiment = state->draft->experiment;
    if (experiment->arm_count == state->capacity) {
        state->capacity = state->capacity ? 2 * state->capacity : 16;
        experiment->arms = memory_resize(experiment->arms, (size_t)state->capacity, sizeof *experiment->arms);
        state->ids = memory_resize(state->ids, (size_t)state->capacity, sizeof *state->ids);
    }
    memcpy(state->ids[experiment->arm_count], id, RUN_ID_SIZE);
    experiment->arms[experiment->arm_count++] = (struct arm){.name = name, .differs = "", .line = line, .run = *run};
}

// True when the arm is there already, which is a mistake of the file unless a method brings it about.
static bool is_repeated(struct span_state *state, const struct candidate *candidate, const char *name, const char *id)
{
    struct draft *draft = state->draft;
    const struct arm *arms = draft->experiment->arms;
    for (int i = 0; i < draft->experiment->arm_count; i++) {
        if (strcmp(state->ids[i], id) == 0 && !candidate->by_hand && draft->method == METHOD_RANDOM) {
            state->dropped++;
            return true;
        }
        if (strcmp(state->ids[i], id) == 0 && !candidate->by_hand && draft->method == METHOD_GRID && i == 0 &&
            !state->base_met) {
            state->base_met = true;
            return true;
        }
        if (strcmp(state->ids[i], id) == 0) {
            draft_mistake(draft, candidate->line, "%s: the same run as %s", *name ? name : "this arm",
                          i == 0 ? "the baseline" : arms[i].name);
            return true;
        }
        if (strcmp(arms[i].name, name) == 0) {
            draft_mistake(draft, candidate->line, "%s: another arm has this name", name);
            return true;
        }
    }
    return false;
}

static void add_arm(struct span_state *state, const struct candidate *candidate)
{
    struct draft *draft = state->draft;
    const struct set *solved = draft->match ? settings_inside(&candidate->settings, draft->match_option) : NULL;
    if (solved)
        draft_mistake(draft, solved->line, "%s: match solves %s; leave it out here", solved->value, draft->match_option);
    struct settings whole = {0};
    for (int i = 0; i < state->settings.count; i++)
        settings_put(&whole, draft->arena, state->settings.sets[i]);
    settings_merge(&whole, draft->arena, &candidate->settings, LAYER_ARM);
    settings_merge(&whole, draft->arena, &draft->command, LAYER_COMMAND);
    struct run run;
    if (!draft_run(draft, &whole, &run) || draft->experiment->arm_count > EXPERIMENT_ARMS_MAX)
        return;
    const char *name = candidate->name;
    if (!name)
        name = draft_difference(draft, &draft->experiment->arms[0].run, &run);
    char id[RUN_ID_SIZE];
    if (resolves(state, &run, *name ? name : "(base)", candidate->line, id) && !is_repeated(state, candidate, name, id))
        append(state, &run, name, candidate->line, id);
}

static void candidate_put(const struct span_state *state, struct candidate *candidate, const struct set *set)
{
    settings_put(&candidate->settings, state->draft->arena, *set);
    candidate->line = set->line;
}

// ---- The baseline -----------------------------------------------------------------------------------------------------------

static bool add_baseline(struct span_state *state, int line)
{
    struct draft *draft = state->draft;
    settings_merge(&state->settings, draft->arena, &draft->fixed, LAYER_FIXED);
    for (int i = 0; i < draft->swept_count; i++) {
        struct settings first = {draft->swept[i].values, draft->swept[i].count > 0, 1};
        settings_merge(&state->settings, draft->arena, &first, LAYER_BASELINE);
    }
    settings_merge(&state->settings, draft->arena, &draft->baseline, LAYER_BASELINE);
    settings_merge(&state->settings, draft->arena, &draft->command, LAYER_COMMAND);
    struct run run;
    char id[RUN_ID_SIZE] = "";
    bool done = draft_run(draft, &state->settings, &run) && resolves(state, &run, "(base)", line, id);
    append(state, &run, "(base)", line, id);
    return done;
}

// ---- Methods ----------------------------------------------------------------------------------------------------------------

static bool same_value(struct span_state *state, const struct set *a, const struct set *b)
{
    struct run x, y;
    struct error unread = {0};
    struct text first = {0}, second = {0};
    x = y = state->draft->experiment->arms[0].run;
    bool same = run_set(&x, a->key, a->value, state->draft->arena, &unread) &&
                run_set(&y, b->key, b->value, state->draft->arena, &unread) && run_print(&x, a->key, &first) &&
                run_print(&y, b->key, &second) && strcmp(first.data, second.data) == 0;
    text_free(&first);
    text_free(&second);
    return same;
}

// The baseline's value of a swept parameter: NULL where only the default says it.
static const struct set *base_value(const struct span_state *state, const struct swept *swept)
{
    return settings_find(&state->settings, swept->key);
}

static void span_grid(struct span_state *state)
{
    struct draft *draft = state->draft;
    size_t total = 1;
    for (int i = 0; i < draft->swept_count; i++) {
        if (!size_multiply(total, (size_t)draft->swept[i].count, &total) || total > EXPERIMENT_ARMS_MAX) {
            draft_mistake(draft, draft->swept[i].line, "the grid has more than %d arms; use method: random or fewer values",
                          EXPERIMENT_ARMS_MAX);
            return;
        }
    }
    for (size_t cell = 0; cell < total && draft->swept_count > 0; cell++) {
        struct candidate candidate = {0};
        size_t rest = cell, block = total;
        for (int i = 0; i < draft->swept_count; i++) { // the last parameter turns fastest
            block /= (size_t)draft->swept[i].count;
            candidate_put(state, &candidate, &draft->swept[i].values[rest / block]);
            rest %= block;
        }
        add_arm(state, &candidate);
    }
}

static void span_ablation(struct span_state *state)
{
    struct draft *draft = state->draft;
    struct candidate all = {.line = draft->method_line};
    const struct set **changes = arena_allocate(draft->arena, (size_t)draft->swept_count + 1, sizeof *changes);
    if (draft->swept_count == 0)
        draft_mistake(draft, draft->method_line, "method: ablation needs parameters with `values:` to change one at a time");
    for (int i = 0; i < draft->swept_count; i++) {
        const struct swept *swept = &draft->swept[i];
        int changed = 0;
        for (int j = 0; j < swept->count; j++) {
            struct candidate one = {0};
            if (base_value(state, swept) && same_value(state, base_value(state, swept), &swept->values[j]))
                continue;
            changes[i] = &swept->values[j];
            changed++;
            candidate_put(state, &one, changes[i]);
            if (!draft->remove)
                add_arm(state, &one);
        }
        if (draft->remove && changed != 1)
            draft_mistake(draft, swept->line, "%s: ablation: remove needs one value besides the baseline's, not %d", swept->key,
                          changed);
        if (changed > 0)
            settings_put(&all.settings, draft->arena, *changes[i]);
    }
    if (!draft->remove || draft->error->count > 0)
        return;
    all.name = "all changes";
    add_arm(state, &all);
    for (int i = 0; i < draft->swept_count && draft->swept_count > 1; i++) {
        struct candidate but = {.line = draft->swept[i].line};
        for (int j = 0; j < draft->swept_count; j++) {
            if (j != i)
                settings_put(&but.settings, draft->arena, *changes[j]);
        }
        but.name = arena_format(draft->arena, "all but %s=%s", changes[i]->key, changes[i]->value);
        add_arm(state, &but);
    }
}

// Ranges are drawn to four digits, so that names can be read and typed.
static struct set draw(struct span_state *state, const struct swept *swept, uint64_t arm)
{
    uint64_t key = random_key((uint64_t)state->draft->random_seed, swept->key, 0);
    if (swept->count > 0)
        return swept->values[random_below(key, arm, 0, (uint64_t)swept->count)];
    double u = random_uniform(key, arm, 0), value = swept->min + u * (swept->max - swept->min);
    const char *format = "%.4g";
    if (swept->distribution == DISTRIBUTION_LOG_UNIFORM)
        value = exp(log(swept->min) + u * (log(swept->max) - log(swept->min)));
    if (swept->distribution == DISTRIBUTION_INT_UNIFORM) {
        value = floor(swept->min + u * (swept->max - swept->min + 1));
        format = "%.0f";
    }
    char digits[64];
    snprintf(digits, sizeof digits, format, fmin(fmax(value, swept->min), swept->max));
    return (struct set){.key = swept->key, .value = arena_copy_text(state->draft->arena, digits), .line = swept->line};
}

static void span_random(struct span_state *state)
{
    struct draft *draft = state->draft;
    if (draft->swept_count == 0)
        draft_mistake(draft, draft->method_line, "method: random needs parameters with `values:` or a range to draw from");
    for (int64_t arm = 0; arm < draft->run_cap && draft->swept_count > 0; arm++) {
        struct candidate candidate = {0};
        for (int i = 0; i < draft->swept_count; i++) {
            struct set set = draw(state, &draft->swept[i], (uint64_t)arm);
            candidate_put(state, &candidate, &set);
        }
        add_arm(state, &candidate);
    }
}

// ---- All mistakes at once, then the arms ------------------------------------------------------------------------------------

// Every value by itself, so that no mistake hides behind another.
static void check_values(struct span_state *state)
{
    struct draft *draft = state->draft;
    for (int i = 0; i < draft->swept_count; i++) {
        const struct swept *swept = &draft->swept[i];
        for (int j = 0; j < swept->count; j++) {
            struct settings whole = {0};
            struct settings one = {&swept->values[j], 1, 1};
            struct run run;
            settings_merge(&whole, draft->arena, &one, LAYER_ARM);
            for (int k = 0; k < state->settings.count; k++) {
                if (!settings_find(&whole, state->settings.sets[k].key))
                    settings_put(&whole, draft->arena, state->settings.sets[k]);
            }
            draft_run(draft, &whole, &run);
        }
    }
}

// A key can be said in one section alone, or nobody knows who wins.
static void check_sections(struct draft *draft)
{
    for (int i = 0; i < draft->swept_count; i++) {
        const struct swept *swept = &draft->swept[i];
        if (strcmp(swept->key, "seed") == 0)
            draft_mistake(draft, swept->line, "seed: seeds are not swept; say how many with `replicates:`");
        if (draft->match && strcmp(swept->key, draft->match_option) == 0)
            draft_mistake(draft, swept->line, "%s: it is swept, and match on line %d solves it", swept->key, draft->match_line);
        if (settings_find(&draft->command, swept->key))
            draft_mistake(draft, 0, "--set %s: the experiment varies it; change %s:%d instead", swept->key, draft->path,
                          swept->line);
    }
    for (int i = 0; i < draft->baseline.count; i++) {
        const struct set *fixed = settings_find(&draft->fixed, draft->baseline.sets[i].key);
        if (fixed)
            draft_mistake(draft, draft->baseline.sets[i].line, "%s: line %d gives every arm one value already", fixed->key,
                          fixed->line);
    }
    for (int i = 0; i < draft->hand_count; i++) {
        const struct settings *settings = &draft->hands[i].settings;
        for (int j = 0; j < settings->count; j++) {
            const struct set *set = &settings->sets[j];
            if (strcmp(set->key, "seed") == 0)
                draft_mistake(draft, set->line, "seed: seeds are shared by all arms; say how many with `replicates:`");
            if (draft->match && strcmp(set->key, draft->match_option) == 0)
                draft_mistake(draft, set->line, "%s: an arm sets it, and match on line %d solves it", set->key,
                              draft->match_line);
            if (settings_find(&draft->command, set->key))
                draft_mistake(draft, 0, "--set %s: an arm sets it; change %s:%d instead", set->key, draft->path, set->line);
        }
    }
}

static void add_hand_arms(struct span_state *state)
{
    const struct draft *draft = state->draft;
    for (int i = 0; i < draft->hand_count; i++) {
        const struct hand_arm *hand = &draft->hands[i];
        struct candidate candidate = {.settings = hand->settings, .name = hand->name, .line = hand->line, .by_hand = true};
        add_arm(state, &candidate);
    }
}

static void note(struct span_state *state)
{
    struct draft *draft = state->draft;
    const struct experiment *experiment = draft->experiment;
    if (experiment->arm_count == 1)
        text_add(&draft->notes, "one arm, the baseline: there is nothing to compare it with\n");
    if (state->dropped > 0)
        text_add(&draft->notes, "%d of %lld draws repeated another arm and were left out\n", state->dropped,
                 (long long)draft->run_cap);
    if (draft->method == METHOD_GRID && draft->swept_count > 0 && !state->base_met)
        text_add(&draft->notes, "the baseline is none of the grid's arms and runs as one more\n");
}

// Arms are made comparable, then whole.
static bool finish(struct span_state *state)
{
    struct draft *draft = state->draft;
    struct experiment *experiment = draft->experiment;
    struct run base = experiment->arms[0].run;
    struct error trouble = {0};
    struct match_cost cost = {0};
    struct run resolved = base;
    if (draft->match && (!run_resolve(&resolved, &trouble) || !match_count(&resolved, &cost, &trouble)))
        return draft_carry(draft, draft->match_line, "match: ", &trouble);
    for (int i = 0; i < experiment->arm_count; i++) {
        struct arm *arm = &experiment->arms[i];
        trouble = (struct error){0};
        double target = draft->match == MATCH_PARAMS ? cost.params : cost.flops;
        if (i > 0 && draft->match &&
            !match_solve(&arm->run, draft->match, draft->match_option, target, match_count, draft->arena, &arm->match_left,
                         &trouble))
            draft_carry(draft, draft->match_line, arena_format(draft->arena, "match: %s: ", arm->name), &trouble);
        arm->differs = draft_difference(draft, &base, &arm->run);
        if (trouble.count == 0 && (!run_resolve(&arm->run, &trouble) || !model_eval_as_fits(&arm->run, &trouble)))
            carry_own(state, arm->line, arm->name, &trouble);
        if (draft->error->count == 0)
            draft_metric_fits(draft, draft->metric_line, "metric", experiment->metric, arm);
    }
    experiment->first_seed = base.seed;
    return draft->error->count == 0;
}

bool draft_span(struct draft *draft)
{
    struct span_state state = {.draft = draft};
    int line = draft->baseline.count > 0 ? draft->baseline.sets[0].line : 1;
    check_sections(draft);
    bool whole = add_baseline(&state, line) && draft->error->count == 0;
    check_values(&state);
    if (whole && draft->error->count == 0) {
        static void (*const methods[METHOD_COUNT])(struct span_state *) = {span_grid, span_random, span_ablation};
        methods[draft->method](&state);
    }
    add_hand_arms(&state);
    if (draft->experiment->arm_count > EXPERIMENT_ARMS_MAX)
        draft_mistake(draft, draft->method_line, "more than %d arms", EXPERIMENT_ARMS_MAX);
    bool done = draft->error->count == 0 && finish(&state);
    note(&state);
    free(state.ids);
    return done;
}
