// gemm_openblas.c: products in float and double by OpenBLAS, opened at run time.
//
// Only Debian's pthread build is accepted, with one thread: its serial build computes wrong products when two threads call it,
// and the openmp build changes the thread count of the whole program. OpenBLAS 0.3.21 takes newer AMD CPUs for Haswells and
// runs at half speed; where AVX-512 is there, the environment names the right kernels before the library is loaded.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/memory.h"
#include "tensor/gemm_backend.h"

// What OpenBLAS asks for at its first product, in each thread that calls it. Where it gets less it asks again, for ever.
static const size_t BUFFER_BYTES = ((size_t)128 << 20) + (1 << 20);

enum { ROW_MAJOR = 101, NO_TRANSPOSE = 111, TRANSPOSE = 112, PARALLEL_PTHREADS = 1 };

typedef void sgemm_call(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float *a, int lda,
                        const float *b, int ldb, float beta, float *c, int ldc);
typedef void dgemm_call(int order, int transpose_a, int transpose_b, int m, int n, int k, double alpha, const double *a,
                        int lda, const double *b, int ldb, double beta, double *c, int ldc);

// The opened library: process-wide, as the library's own state is. Written once, by open_library, before any lane runs.
static struct {
    void *handle;
    sgemm_call *sgemm;
    dgemm_call *dgemm;
    char core[64], version[64];
} blas;

// The library refers to itself by name thousands of times; looked up in the program and all its libraries first, that costs
// more than all else before a run's first step. Functions are looked up when they are first called, of which products need a
// handful. AddressSanitizer wants to be found first.
#ifdef __SANITIZE_ADDRESS__
enum { OPEN_MODE = RTLD_LAZY | RTLD_LOCAL };
#else
enum { OPEN_MODE = RTLD_LAZY | RTLD_LOCAL | RTLD_DEEPBIND };
#endif

static void *load(void)
{
    static const char *const names[] = {"/usr/lib/x86_64-linux-gnu/openblas-pthread/libopenblas.so.0",
                                        "/usr/lib/aarch64-linux-gnu/openblas-pthread/libopenblas.so.0", "libopenblas.so.0"};
    void *handle = NULL;
    for (size_t i = 0; !handle && i < sizeof names / sizeof *names; i++)
        handle = dlopen(names[i], OPEN_MODE);
    return handle;
}

// Address space alone: nothing is touched.
static bool check_buffer(struct error *error)
{
    void *block;
    if (!memory_large(&block, BUFFER_BYTES, "OpenBLAS", error))
        return false;
    memory_large_free(block, BUFFER_BYTES);
    return true;
}

// ISO C has no conversion from an object pointer to a function pointer; POSIX promises that the bits are the same.
static void find(void *handle, const char *name, void *function)
{
    void *symbol = dlsym(handle, name);
    memcpy(function, &symbol, sizeof symbol);
}

static bool open_library(struct error *error)
{
    if (blas.handle)
        return true;
    if (!check_buffer(error))
        return false;
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
#ifdef __x86_64__
    if (cpu_isa() >= CPU_ISA_AVX512)
        setenv("OPENBLAS_CORETYPE", "SKYLAKEX", 0);
    else if (cpu_features() & CPU_AVX512F) // held back by the environment
        setenv("OPENBLAS_CORETYPE", "HASWELL", 0);
#endif
    void *handle = load();
    if (!handle)
        return error_add(error, "OpenBLAS is not installed; on Debian: apt-get install libopenblas0-pthread");
    int (*parallel)(void) = NULL;
    char *(*core)(void) = NULL, *(*config)(void) = NULL;
    find(handle, "openblas_get_parallel", &parallel);
    find(handle, "openblas_get_corename", &core);
    find(handle, "openblas_get_config", &config);
    find(handle, "cblas_sgemm", &blas.sgemm);
    find(handle, "cblas_dgemm", &blas.dgemm);
    if (!parallel || !core || !config || !blas.sgemm || !blas.dgemm || parallel() != PARALLEL_PTHREADS) {
        dlclose(handle);
        return error_add(error, "this OpenBLAS is not the pthread build, the one that is safe to call from several threads; on "
                                "Debian: apt-get install libopenblas0-pthread");
    }
    snprintf(blas.core, sizeof blas.core, "%s", core());
    snprintf(blas.version, sizeof blas.version, "%.*s", (int)strcspn(config(), " "), config());
    const char *number = strchr(config(), ' ');
    if (number)
        snprintf(blas.version, sizeof blas.version, "%.*s", (int)strcspn(number + 1, " "), number + 1);
    blas.handle = handle;
    return true;
}

const char *gemm_openblas_version(void) { return blas.version; }
const char *gemm_openblas_core(void) { return blas.core; }

// OpenBLAS counts in 32 bits.
static bool product_open(const struct gemm_request *request, void **state, struct error *error)
{
    const struct gemm *gemm = &request->gemm;
    const int64_t sizes[] = {gemm->m, gemm->n, gemm->k, gemm->lda, gemm->ldb, gemm->ldc};
    *state = NULL;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i] < 1 || sizes[i] > INT32_MAX)
            return error_add(error, "a product of [%lld, %lld] and [%lld, %lld] has no size that OpenBLAS takes",
                             (long long)gemm->m, (long long)gemm->k, (long long)gemm->k, (long long)gemm->n);
    return true;
}

static void product_close(void *state) { (void)state; }
static size_t no_bytes(const void *state) { return (void)state, 0; }
static void no_pack(void *state, int lane, const void *plain, void *packed)
{
    (void)state, (void)lane, (void)plain, (void)packed;
}

static void run(const struct gemm_request *request, void *state, int64_t rows, const struct gemm_call *call)
{
    const struct gemm *gemm = &request->gemm;
    int transpose_a = gemm->transpose_a ? TRANSPOSE : NO_TRANSPOSE, transpose_b = gemm->transpose_b ? TRANSPOSE : NO_TRANSPOSE;
    int m = (int)(request->rows_are_k ? gemm->m : rows), k = (int)(request->rows_are_k ? rows : gemm->k), n = (int)gemm->n;
    int lda = (int)gemm->lda, ldb = (int)gemm->ldb, ldc = (int)gemm->ldc;
    (void)state;
    if (request->real == REAL_FLOAT)
        blas.sgemm(ROW_MAJOR, transpose_a, transpose_b, m, n, k, 1, call->a, lda, call->b, ldb, call->accumulate, call->c, ldc);
    else
        blas.dgemm(ROW_MAJOR, transpose_a, transpose_b, m, n, k, 1, call->a, lda, call->b, ldb, call->accumulate, call->c, ldc);
}

const struct gemm_backend gemm_openblas = {
    .open = open_library,
    .product_open = product_open,
    .product_close = product_close,
    .pack_bytes = no_bytes,
    .pack = no_pack,
    .scratch = no_bytes,
    .run = run,
};
