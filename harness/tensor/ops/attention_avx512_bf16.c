// attention_avx512_bf16.c: products and rounding with AVX512_BF16; see attention_bf16.h.
//
// Compiled into every x86-64 build and called where the CPU has the instructions.
#include "tensor/bf16.h"
#include "tensor/ops/attention_bf16.h"

#include <stddef.h>

#ifdef __x86_64__
#include <immintrin.h>
#include <string.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")))
enum { LANES = 16, ROWS = 8 }; // 8 x 2 sums of 32 registers

TARGET static inline __m512bh pairs_at(const uint16_t *from) { return (__m512bh)_mm512_loadu_si512(from); }
TARGET static inline __m512bh pair_everywhere(const uint16_t *from)
{
    int pair;
    memcpy(&pair, from, sizeof pair);
    return (__m512bh)_mm512_set1_epi32(pair);
}

// ROWS rows and two vectors of C, over all steps.
TARGET static inline void multiply_block(const struct bf16_product *p, int64_t row, int64_t column)
{
    __m512 sum[ROWS][2];
    float *c = p->c + row * p->c_row + column;
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 2
        for (int v = 0; v < 2; v++)
            sum[r][v] = p->add ? _mm512_loadu_ps(c + r * p->c_row + v * LANES) : _mm512_setzero_ps();
    const uint16_t *a = p->a + row * p->a_row, *b = p->b + 2 * column;
    for (int64_t step = 0; step < p->steps; step += 2, a += 2, b += p->b_pair) {
        __m512bh low = pairs_at(b), high = pairs_at(b + 2 * LANES);
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; r++) {
            __m512bh pair = pair_everywhere(a + r * p->a_row);
            sum[r][0] = _mm512_dpbf16_ps(sum[r][0], pair, low);
            sum[r][1] = _mm512_dpbf16_ps(sum[r][1], pair, high);
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 2
        for (int v = 0; v < 2; v++)
            _mm512_storeu_ps(c + r * p->c_row + v * LANES, sum[r][v]);
}

TARGET static void multiply(const struct bf16_product *product)
{
    for (int64_t column = 0; column < product->columns; column += 2 * LANES)
        for (int64_t row = 0; row < product->rows; row += ROWS)
            multiply_block(product, row, column);
}

TARGET void attention_round_pairs(const float *from, int64_t rows, int64_t columns, uint16_t *to)
{
    for (int64_t row = 0; row < rows; row += 2, from += 2 * columns)
        for (int64_t column = 0; column < columns; column += LANES, to += 2 * LANES) {
            __m256bh first = _mm512_cvtneps_pbh(_mm512_loadu_ps(from + column));
            __m256bh second = _mm512_cvtneps_pbh(_mm512_loadu_ps(from + columns + column));
            __m512i high = _mm512_slli_epi32(_mm512_cvtepu16_epi32((__m256i)second), 16);
            _mm512_storeu_si512(to, _mm512_or_si512(_mm512_cvtepu16_epi32((__m256i)first), high));
        }
}

const struct attention_bf16 attention_avx512_bf16 = {
    .multiply = multiply,
    .round_rows = bf16_native_round,
    .round_pairs = attention_round_pairs,
};
#endif
