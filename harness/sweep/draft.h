// draft.h: an experiment file as read, before it is spanned into arms. Shared by the experiment_*.c files alone.
#ifndef SWEEP_DRAFT_H
#define SWEEP_DRAFT_H

#include "base/yaml.h"
#include "sweep/experiment.h"

// What is said later wins over what was said before.
enum layer { LAYER_FIXED, LAYER_BASELINE, LAYER_ARM, LAYER_COMMAND };

// One "key: value" of the file; line 0 is the command line.
struct set {
    const char *key, *value;
    int line;
    enum layer layer;
};
// A key at most once; later ones replace earlier ones.
struct settings {
    struct set *sets;
    int count, capacity;
};
void settings_put(struct settings *settings, struct arena *arena, struct set set);
void settings_merge(struct settings *settings, struct arena *arena, const struct settings *over, enum layer layer);
const struct set *settings_find(const struct settings *settings, const char *key);

enum distribution { DISTRIBUTION_UNIFORM, DISTRIBUTION_LOG_UNIFORM, DISTRIBUTION_INT_UNIFORM, DISTRIBUTION_COUNT };
extern const char *const distribution_names[];

// A parameter with several values, or (random) a range.
struct swept {
    const char *key;
    int line;
    struct set *values; // count 0: a range
    int count;
    double min, max;
    enum distribution distribution;
};

struct hand_arm {
    const char *name; // NULL: named by what differs
    int line;
    struct settings settings;
};

enum method { METHOD_GRID, METHOD_RANDOM, METHOD_ABLATION, METHOD_COUNT };
enum match { MATCH_NONE, MATCH_PARAMS, MATCH_FLOPS, MATCH_COUNT };
extern const char *const method_names[], *const match_names[]; // NULL-ended

struct draft {
    const char *path;
    struct experiment *experiment;
    struct arena *arena; // the experiment's
    struct error *error;
    enum method method;
    int method_line, metric_line;
    int64_t run_cap, random_seed; // run_cap 0: not given
    bool remove;                  // ablation: all changes but one
    struct settings fixed, baseline, command;
    struct swept *swept;
    int swept_count;
    struct hand_arm *hands;
    int hand_count;
    enum match match;
    const char *match_option;
    int match_line;
    struct text notes;
};

// Adds "file:line: ..." (line 0: the command line, no file) once, however often it is met. Returns false.
bool draft_mistake(struct draft *draft, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
// The same for every line of `from`, each led by `lead`.
bool draft_carry(struct draft *draft, int line, const char *lead, const struct error *from);
// The index of `word` in a NULL-ended list; -1 with a mistake, led by `lead` ("ffn: no key"), that names the nearest or all
// there are.
int draft_word(struct draft *draft, int line, const char *lead, const char *word, const char *const *words);

// False with a mistake where a node is of another kind.
bool draft_is_kind(struct draft *draft, const struct yaml *node, enum yaml_kind kind);

// A section of a file, or of one of its maps: the name and who takes it.
struct draft_section {
    const char *name;
    void (*take)(struct draft *draft, struct yaml *node);
};
// `sections` end with name NULL; an unknown key is a mistake.
void draft_sections(struct draft *draft, const struct yaml *map, const struct draft_section *sections);

// Hands all mistakes over, by line.
void draft_report(struct draft *draft, struct error *to);

// experiment_parameters.c: the sections that set keys.
void draft_mend(struct draft *draft, struct yaml *node);
void draft_parameters(struct draft *draft, struct yaml *node);
void draft_eval_as(struct draft *draft, struct yaml *node);
void draft_baseline(struct draft *draft, struct yaml *node);
void draft_arms(struct draft *draft, struct yaml *node);

// experiment_metric.c: a metric's name in its shortest form, as runs tell it; NULL with a mistake, led by the `key` that names
// it.
const char *draft_metric(struct draft *draft, int line, const char *key, const char *name);
// False with a mistake where the metric is of an attention that the arm is not evaluated with: it would have no value.
bool draft_metric_fits(struct draft *draft, int line, const char *key, const char *metric, const struct arm *arm);

// experiment_claims.c: what is expected of the arms; once they are made, whether they are there and have what is expected.
void draft_requires(struct draft *draft, struct yaml *node);
void draft_claims(struct draft *draft, struct yaml *node);
void draft_check_claims(struct draft *draft, const struct yaml *root);

// experiment_run.c: one run from settings, not yet resolved; false with every mistake.
bool draft_run(struct draft *draft, const struct settings *settings, struct run *run);
// The slot's set whose parentheses name the option `key`, or NULL: ffn: swiglu(ratio=2) for "ffn.ratio".
const struct set *settings_inside(const struct settings *settings, const char *key);
// The line that sets the key which a line of trouble begins with, "model.n_head: ..."; `otherwise` where none does.
int settings_line(const struct settings *settings, const char *trouble, int otherwise);
// "ffn=swiglu, train.lr=0.01"; "" where nothing differs.
const char *draft_difference(struct draft *draft, const struct run *base, const struct run *run);

// experiment_span.c: fills experiment->arms; false with every mistake.
bool draft_span(struct draft *draft);

// experiment_match.c. What a run costs: parameters without embeddings and FLOPs of the whole training.
struct match_cost {
    double params, flops;
};
typedef bool (*match_counter)(const struct run *run, struct match_cost *cost, struct error *error);
bool match_count(const struct run *run, struct match_cost *cost, struct error *error); // builds the model's graph
// Whether `match` can solve this option at all.
bool match_option_check(enum match match, const char *option, struct error *error);
// Sets `option` of `run` (not resolved) so that its cost is as near as possible to `target`; `left` is the relative rest.
bool match_solve(struct run *run, enum match match, const char *option, double target, match_counter counter,
                 struct arena *arena, double *left, struct error *error);

#endif
