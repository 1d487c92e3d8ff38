// schedule.h: the learning rate of a step. Called by the trainer, verify and describe.
#ifndef TRAIN_SCHEDULE_H
#define TRAIN_SCHEDULE_H

#include "registry/run.h"

// lr(t), t from 0: lr (t+1) / warmup while t < warmup, then lr times the schedule component's factor.
double schedule_rate(const struct run *run, int64_t step);

#endif
