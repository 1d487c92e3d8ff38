// gemm_reference.c: the plain triple loop that every backend is held against. Sums in double whatever the type.
#ifndef REAL

#include "tensor/gemm.h"

#include "tensor/twice.h"
#include "gemm_reference.c"
#include "tensor/twice.h"
#include "gemm_reference.c"
#include "tensor/twice.h"

#else
void NAME(gemm_reference)(const struct gemm *gemm, REAL alpha, const REAL *a, const REAL *b, REAL beta, REAL *c)
{
    for (int64_t i = 0; i < gemm->m; i++)
        for (int64_t j = 0; j < gemm->n; j++) {
            double sum = 0;
            for (int64_t k = 0; k < gemm->k; k++)
                sum += (double)a[gemm->transpose_a ? k * gemm->lda + i : i * gemm->lda + k] *
                       (double)b[gemm->transpose_b ? j * gemm->ldb + k : k * gemm->ldb + j];
            REAL *out = &c[i * gemm->ldc + j];
            *out = (REAL)((double)alpha * sum + (beta == 0 ? 0 : (double)beta * (double)*out));
        }
}
#endif
