// attention_bf16.h: products of bfloat16 operands on the units that a CPU has for them, for attention.c alone.
//
// Both units take one order of operands. A is plain rows. B holds pairs of steps: [steps / 2][columns][2], so that 32 bits hold
// what one lane multiplies by two neighbours of a row of A. C is float, summed in float; numbers below 2^-126 count as 0.
#ifndef TENSOR_OPS_ATTENTION_BF16_H
#define TENSOR_OPS_ATTENTION_BF16_H

#include <stdbool.h>
#include <stdint.h>

enum { BF16_BLOCK = 32 }; // rows, columns and steps are multiples of it

// C = A B, or C += A B.
struct bf16_product {
    const uint16_t *a; // [rows][steps], rows a_row elements apart
    int64_t a_row;
    const uint16_t *b; // [steps / 2][columns][2], pairs of steps b_pair elements apart
    int64_t b_pair;
    float *c; // [rows][columns], rows c_row elements apart
    int64_t c_row;
    int64_t rows, columns, steps;
    bool add;
};

struct attention_bf16 {
    void (*begin)(void), (*end)(void); // around a thread's products, NULL where nothing is to be done
    void (*multiply)(const struct bf16_product *product);
    void (*round_rows)(const float *from, int64_t count, uint16_t *to);
    // from [rows][columns] to pairs of rows: [rows / 2][columns][2]
    void (*round_pairs)(const float *from, int64_t rows, int64_t columns, uint16_t *to);
};
extern const struct attention_bf16 attention_avx512_bf16, attention_amx;

// Whether the system lets this process use AMX; it must be asked once, and asking again does no harm.
bool attention_amx_allowed(void);
// attention_avx512_bf16's; AMX CPUs have its instructions too.
void attention_round_pairs(const float *from, int64_t rows, int64_t columns, uint16_t *to);

#endif
