// bf16.c: rounding to bfloat16 with AVX512_BF16; see bf16.h.
//
// Compiled into every x86-64 build and called where the CPU has the instructions; elsewhere nothing is native.
#include "tensor/bf16.h"

#ifdef __x86_64__
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")))
enum { LANES = 16 };

TARGET static inline __mmask16 first_lanes(int64_t count) { return (__mmask16)((1u << (count < LANES ? count : LANES)) - 1); }

TARGET void bf16_native_round(const float *from, int64_t count, uint16_t *to)
{
    int64_t i = 0;
    for (; i + 2 * LANES <= count; i += 2 * LANES)
        _mm512_storeu_si512(to + i, (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(from + i + LANES), _mm512_loadu_ps(from + i)));
    for (; i < count; i += LANES) {
        __mmask16 mask = first_lanes(count - i);
        _mm256_mask_storeu_epi16(to + i, mask, (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, from + i)));
    }
}

TARGET void bf16_native_split(const float *from, int64_t count, uint16_t *high, uint16_t *low)
{
    const __m512i exponent = _mm512_set1_epi32(0x7f800000);
    for (int64_t i = 0; i < count; i += LANES) {
        __mmask16 mask = first_lanes(count - i);
        __m512 value = _mm512_maskz_loadu_ps(mask, from + i);
        __m256i rounded = (__m256i)_mm512_cvtneps_pbh(value);
        __m512i wide = _mm512_slli_epi32(_mm512_cvtepu16_epi32(rounded), 16);
        __mmask16 finite = _mm512_cmpneq_epi32_mask(_mm512_and_si512(wide, exponent), exponent);
        __m512 rest = _mm512_maskz_sub_ps(finite, value, _mm512_castsi512_ps(wide));
        _mm256_mask_storeu_epi16(high + i, mask, rounded);
        _mm256_mask_storeu_epi16(low + i, mask, (__m256i)_mm512_cvtneps_pbh(rest));
    }
}

#else
void bf16_native_round(const float *from, int64_t count, uint16_t *to)
{
    for (int64_t i = 0; i < count; i++)
        to[i] = bf16_from_float(from[i]);
}

void bf16_native_split(const float *from, int64_t count, uint16_t *high, uint16_t *low)
{
    for (int64_t i = 0; i < count; i++) {
        high[i] = bf16_from_float(from[i]);
        low[i] = bf16_from_float(bf16_rest(from[i]));
    }
}
#endif
