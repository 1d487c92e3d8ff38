// gemm.h: matrix products behind one header: C = op(A) op(B), or C += op(A) op(B), row major.
//
// An op asks at planning for a product; that may refuse, running it cannot fail. Libraries are opened at run time, so a process
// that multiplies nothing never starts them. All threading belongs to the executor: a product runs on the calling thread alone.
//
// A way says how a run multiplies. In GEMM_REAL operands are the arrays that the graph holds. In the other formats both
// operands are rounded first and C is still summed in REAL:
//   GEMM_BF16     each operand to bfloat16
//   GEMM_BF16X3   each to a sum of two: A B = Ah Bh + Al Bh + Ah Bl, which leaves an error below 1e-5 of the largest term
// Where the CPU multiplies bfloat16 itself (native), rounded operands are kept in it; elsewhere they are kept as rounded REALs
// and multiplied as such, with the same result but for the order of sums.
#ifndef TENSOR_GEMM_H
#define TENSOR_GEMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "tensor/parameters.h"

enum gemm_format { GEMM_REAL, GEMM_BF16, GEMM_BF16X3, GEMM_FORMAT_COUNT };
enum gemm_library { GEMM_AUTO, GEMM_OPENBLAS, GEMM_ONEDNN, GEMM_LIBRARY_COUNT };
extern const char *const gemm_library_names[]; // "auto", "openblas", "onednn", NULL: the values of a run's `gemm`

struct gemm_way {
    enum gemm_format format;
    enum gemm_library library; // resolved: never GEMM_AUTO
    bool native;
};
// The way that a wish and a format lead to, by rule, from what the CPU has and which libraries are installed; nothing is
// opened. Native needs oneDNN and AVX512_BF16 or AMX. For fp32, `auto` is oneDNN where there is AVX-512 (its packed weights are
// up to a fifth faster there) and OpenBLAS elsewhere (oneDNN 2.6 packs nothing below AVX-512 and takes twice as long for a
// weight's gradient).
struct gemm_way gemm_rule(enum gemm_library wanted, enum gemm_format format);
// "openblas", "onednn bf16", "openblas rounding to bf16": part of a run's identity.
const char *gemm_way_name(struct gemm_way way);
// A line for the person who asked for bf16 where rounded operands run on fp32 products: the same results, and no faster. NULL:
// nothing to say.
const char *gemm_notice(struct gemm_way way);

// Opens the library of the way's products in float, or that of products in double, which are OpenBLAS's in every way; must
// precede gemm_product_open. False with what to install. Safe to call again.
bool gemm_open(struct gemm_way way, enum real real, struct error *error);
// What was opened: "0.3.21", "2.6.3", and the kernels that OpenBLAS chose ("SkylakeX"); empty where it was not.
const char *gemm_version(enum gemm_library library);
const char *gemm_core(void);
// The instructions that the way's products run on: "avx2", "avx512", "avx512_bf16", "amx"; for provenance and the bench.
const char *gemm_isa(struct gemm_way way);

// ---- Operands ---------------------------------------------------------------------------------------------------------------

// How an operand is kept. Of a pair, a row holds all high halves, then all low ones.
enum gemm_storage { GEMM_STORAGE_REAL, GEMM_STORAGE_BF16, GEMM_STORAGE_BF16_PAIR };
enum gemm_storage gemm_storage(struct gemm_way way, enum real real);
size_t gemm_element_size(enum gemm_storage storage, enum real real);
// Rounds [rows, width] of `real` into the way's storage. Not for GEMM_REAL, whose operands stay what they are.
void gemm_round(struct gemm_way way, enum real real, int64_t rows, int64_t width, const void *from, void *to);

// ---- Products ---------------------------------------------------------------------------------------------------------------

// op(A) is [m, k], op(B) [k, n]; ld* are the row strides in elements as stored (of a pair: of its high halves' width).
struct gemm {
    bool transpose_a, transpose_b;
    int64_t m, n, k;
    int64_t lda, ldb, ldc;
};
struct gemm_request {
    struct gemm_way way;
    enum real real;
    struct gemm gemm; // at the most rows
    bool rows_are_k;  // a call's rows are k: the gradient of a weight; else they are m
    bool b_is_weight; // B is a parameter, which may be packed
};
struct gemm_product;
// NULL with the reason when no library takes these sizes.
struct gemm_product *gemm_product_open(const struct gemm_request *request, struct error *error);
void gemm_product_close(struct gemm_product *product);
const struct gemm_request *gemm_product_request(const struct gemm_product *product);
bool gemm_request_equal(const struct gemm_request *a, const struct gemm_request *b);

// A weight as the product wants it, made anew when its values have changed. 0 bytes: the parameter's own values serve.
size_t gemm_pack_bytes(const struct gemm_product *product);
size_t gemm_pack_scratch(const struct gemm_product *product);
// Whether the one's pack of a weight serves the other too: both are the rounded values as they lie.
bool gemm_packs_alike(const struct gemm_product *a, const struct gemm_product *b);
// `lane` 0 to LANES_MAX - 1: calls of one number never overlap; here and below.
void gemm_pack(struct gemm_product *product, int lane, const void *weight, void *packed, void *scratch);

// Scratch that gemm_run needs, in bytes.
size_t gemm_scratch(const struct gemm_product *product);
// A and B in the way's storage (B packed where gemm_pack_bytes is not 0), C in real, over the first `rows` rows. oneDNN
// generates code for each number of rows, the first time it occurs.
struct gemm_call {
    const void *a, *b;
    void *c;
    void *scratch;
    bool accumulate;
    int lane;
};
void gemm_run(struct gemm_product *product, int64_t rows, const struct gemm_call *call);

#endif
