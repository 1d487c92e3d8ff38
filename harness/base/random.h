// random.h: counter-based random numbers (Philox 4x32-10, Salmon et al. 2011, doi 10.1145/2063384.2063405).
//
// A number is a pure function of (seed, name, step, row, column): nothing is drawn in order, so arms of different shapes share
// what they have in common and a recomputed mask repeats itself.
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

// What a stream of numbers is for: mixes seed, name and step into one key.
uint64_t random_key(uint64_t seed, const char *name, uint64_t step);

// 128 random bits for one (row, column).
struct random_block {
    uint32_t word[4];
};
struct random_block random_block(uint64_t key, uint64_t row, uint64_t column);

uint64_t random_bits(uint64_t key, uint64_t row, uint64_t column);
double random_uniform(uint64_t key, uint64_t row, uint64_t column); // [0, 1), 53 bits
double random_normal(uint64_t key, uint64_t row, uint64_t column);  // mean 0, variance 1 (Box and Muller)
// The same, bit for bit, of as many columns one after the other, in less time.
void random_normals(uint64_t key, uint64_t row, uint64_t column, size_t count, double *normals);
uint64_t random_below(uint64_t key, uint64_t row, uint64_t column, uint64_t bound); // 0 .. bound-1, bias below 2^-32

#endif
