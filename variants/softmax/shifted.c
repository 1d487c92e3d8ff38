// shifted.c: softmax with the largest score taken off first, in attention and in the loss: exp never overflows.
//
// exp(x - max) / sum exp(x - max) is the same number as exp(x) / sum exp(x) and exists for every finite x.
#include "registry/component.h"

const struct component softmax_shifted = {
    .slot = SLOT_SOFTMAX,
    .name = "shifted",
    .version = 1,
    .summary = "the largest score is taken off before exponentials",
    .source = "Higham 2021, doi 10.1093/imanum/draa038",
};
