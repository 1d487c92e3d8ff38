// bf16.h: bfloat16, the upper half of a float: 8 bits of exponent, 7 of mantissa; rounded to nearest, ties to even.
//
// For products and attention alone: nothing else is kept in it. Loops over the inline functions vectorise; the rest (bf16.c) is
// for CPUs that round by an instruction of their own.
#ifndef TENSOR_BF16_H
#define TENSOR_BF16_H

#include <stdint.h>
#include <string.h>

static inline uint32_t bf16_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
static inline float bf16_to_float(uint16_t x)
{
    uint32_t bits = (uint32_t)x << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
// What is too large becomes infinite, NaN stays NaN.
static inline uint16_t bf16_from_float(float x)
{
    uint32_t bits = bf16_bits(x), rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16, quiet = bits >> 16 | 0x40;
    return (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? quiet : rounded);
}
static inline float bf16_round(float x) { return bf16_to_float(bf16_from_float(x)); }
// What rounding left of x, rounded itself: x = bf16_round(x) + bf16_rest(x) to 16 bits. Nothing where x has no finite half.
static inline float bf16_rest(float x)
{
    float high = bf16_round(x);
    return (bf16_bits(high) & 0x7f800000) == 0x7f800000 ? 0 : bf16_round(x - high);
}

// Where cpu_isa() has CPU_ISA_AVX512_BF16: the same by its instructions, which take what is below 2^-126 for 0, as those of
// products do. `high` gets the rounded numbers, `low` what rounding left of them.
void bf16_native_round(const float *from, int64_t count, uint16_t *to);
void bf16_native_split(const float *from, int64_t count, uint16_t *high, uint16_t *low);

#endif
