// schedule.c: warm-up, then the run's schedule component.
#include "train/schedule.h"

double schedule_rate(const struct run *run, int64_t step)
{
    const struct train_scalars *train = &run->train;
    if (step < train->warmup)
        return train->lr * (double)(step + 1) / (double)train->warmup;
    const struct choice *choice = run_choice(run, SLOT_SCHEDULE, 0);
    return train->lr * choice->component->schedule.factor(choice->options.bytes, step - train->warmup,
                                                          train->steps - train->warmup, train->warmup);
}
