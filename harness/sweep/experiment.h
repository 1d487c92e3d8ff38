// experiment.h: an experiment file, read and spanned into arms. Pure: nothing is run and nothing stored.
//
// All mistakes of a file are reported at once, each as file:line. Grammar: README, "Writing an experiment".
#ifndef SWEEP_EXPERIMENT_H
#define SWEEP_EXPERIMENT_H

#include "base/error.h"
#include "base/memory.h"
#include "registry/run.h"

enum { EXPERIMENT_ARMS_MAX = 1000, EXPERIMENT_REPLICATES_MAX = 1000 };

struct arm {
    const char *name;    // "ffn=swiglu": what differs from the baseline, or the name given under `arms:`; "(base)"
    const char *differs; // every key that differs from the baseline, what `match` solved included; "" for the baseline
    int line;            // of the file, where it is named
    struct run run;      // resolved; its seed is the first one
    double match_left;   // relative difference to the baseline that `match` could not remove; 0 without match
};

struct experiment {
    const char *file, *name, *description, *lecture;
    const char *text;          // the whole file
    char hash[HASH_TEXT_SIZE]; // of the text
    const char *metric;
    bool maximize;
    double margin;           // NaN: none declared
    int64_t replicates;      // at the first look
    int64_t replicates_max;  // planned looks end here; equal to replicates where the file plans one look
    bool extension_declared; // `replicates: {first, max}` said beforehand that there may be as many seeds as these
    int64_t first_seed;      // seeds are first_seed, first_seed + 1, ...
    const char *match;       // "params by ffn.d_ff", or NULL
    const char *notes;       // lines to show before anything runs: what was added or dropped; "" for none
    struct arm *arms;        // the baseline first
    int arm_count;
    struct arena arena; // owns everything above
};

struct experiment_changes { // from the command line
    int64_t replicates;     // 0: as the file says
    const char *const *set; // "key=value" for every arm, NULL-ended; may be NULL
};
bool experiment_read(const char *path, const struct experiment_changes *changes, struct experiment *experiment,
                     struct error *error);
void experiment_close(struct experiment *experiment);

#endif
