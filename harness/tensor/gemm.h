// gemm.h: matrix products behind one header: C = alpha op(A) op(B) + beta C, row major.
//
// Opening and planning may refuse, running cannot fail. All threading belongs to the executor: a backend runs on the calling thread alone.
// OpenBLAS is opened at run time, so a process that multiplies nothing never starts it and the environment can still name the
// right kernels.
#ifndef TENSOR_GEMM_H
#define TENSOR_GEMM_H

#include "tensor/graph.h"

// Opens the backend; must precede gemm_run. False with what to install. Safe to call again.
bool gemm_open(struct error *error);
// The backend that gemm_open will open, by rule: part of a run's identity, known without opening anything.
const char *gemm_rule(void);
// What was opened, its version, and the kernels it chose ("SkylakeX"): for provenance. Empty before gemm_open.
const char *gemm_backend(void);
const char *gemm_version(void);
const char *gemm_core(void);

// C [m, n] = alpha op(A) op(B) + beta C, where op(A) is [m, k] and op(B) is [k, n]; ld* are the row strides as stored.
struct gemm {
    bool transpose_a, transpose_b;
    int64_t m, n, k;
    int64_t lda, ldb, ldc;
};
// Whether the backend takes these sizes: an op asks when it is planned.
bool gemm_plan(const struct gemm *gemm, struct error *error);
void gemm_run_float(const struct gemm *gemm, float alpha, const float *a, const float *b, float beta, float *c);
void gemm_run_double(const struct gemm *gemm, double alpha, const double *a, const double *b, double beta, double *c);

#endif
