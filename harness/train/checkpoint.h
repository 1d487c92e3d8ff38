// checkpoint.h: what a run needs to continue to the same bits: weights, the optimizer's state, the step, and how far divergence
// was.
//
// A safetensors file: parameters under their own names, state as "optimizer.<number>.<parameter>". Its metadata names the run,
// so that another run's file is refused. Written in one step, so a reader meets the old file or the new one.
#ifndef TRAIN_CHECKPOINT_H
#define TRAIN_CHECKPOINT_H

#include "registry/run.h"
#include "train/optimizer.h"

// Watches for divergence: see trainer.h.
struct watch {
    double first_loss; // of step 0; NaN before it
    int64_t above;     // steps in a row whose loss was above the threshold
};
struct checkpoint {
    char run[RUN_ID_SIZE];
    int64_t step;   // steps done
    double seconds; // that they took, in all attempts
    struct watch watch;
};

bool checkpoint_write(const char *path, const struct checkpoint *checkpoint, const struct optimizer *optimizer,
                      struct error *error);

// Fills parameters, state and `checkpoint` when the file exists; *found is false when there is none. Another run's file (by
// checkpoint->run) and a damaged one are refused with what to do; then nothing has been changed but perhaps the arrays.
bool checkpoint_read(const char *path, struct checkpoint *checkpoint, const struct optimizer *optimizer, bool *found,
                     struct error *error);

#endif
