// gemm_backend.h: what gemm.c asks of a library. Included by gemm*.c alone.
#ifndef TENSOR_GEMM_BACKEND_H
#define TENSOR_GEMM_BACKEND_H

#include "tensor/gemm.h"

struct gemm_backend {
    bool (*open)(struct error *error); // safe to call again
    // May refuse sizes. `state` is the backend's own, NULL where it keeps none.
    bool (*product_open)(const struct gemm_request *request, void **state, struct error *error);
    void (*product_close)(void *state);
    size_t (*pack_bytes)(const void *state);                              // of one bfloat16 half or REAL array; 0: plain
    void (*pack)(void *state, int lane, const void *plain, void *packed); // from the way's storage
    size_t (*scratch)(const void *state);
    void (*run)(const struct gemm_request *request, void *state, int64_t rows, const struct gemm_call *call);
};
extern const struct gemm_backend gemm_openblas, gemm_onednn;

const char *gemm_openblas_version(void);
const char *gemm_openblas_core(void);
// Whether the program knows oneDNN's header and the library is installed; nothing is opened.
bool gemm_onednn_installed(void);
const char *gemm_onednn_version(void);

#endif
