// random.c: Philox 4x32-10 and what is drawn from it.
#include "base/random.h"

#include <string.h>

// Instead of <math.h>: gcc vectorises them through libmvec, whose errors stay below 4 units in the last place.
__attribute__((simd("notinbranch"), const)) double log(double);
__attribute__((simd("notinbranch"), const)) double cos(double);
double sqrt(double);

static uint64_t mix(uint64_t x) // the finaliser of SplitMix64 (Steele et al. 2014)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

uint64_t random_key(uint64_t seed, const char *name, uint64_t step)
{
    uint64_t key = mix(seed + 0x9e3779b97f4a7c15u);
    for (const char *c = name; *c; c++)
        key = mix(key ^ (unsigned char)*c) + 0x9e3779b97f4a7c15u;
    return mix(key ^ mix(step + 0xd1b54a32d192ed03u));
}

struct random_block random_block(uint64_t key, uint64_t row, uint64_t column)
{
    uint32_t c0 = (uint32_t)column, c1 = (uint32_t)(column >> 32), c2 = (uint32_t)row, c3 = (uint32_t)(row >> 32);
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        c0 = n0;
        c2 = n2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return (struct random_block){{c0, c1, c2, c3}};
}

uint64_t random_bits(uint64_t key, uint64_t row, uint64_t column)
{
    struct random_block block = random_block(key, row, column);
    return (uint64_t)block.word[1] << 32 | block.word[0];
}

double random_uniform(uint64_t key, uint64_t row, uint64_t column)
{
    return (double)(random_bits(key, row, column) >> 11) * 0x1p-53;
}

static double uniform_of(uint32_t low, uint32_t high) { return (double)(((uint64_t)high << 32 | low) >> 11); } // [0, 2^53)

// Always as many: a number may not depend on how many were asked for, and vectors round otherwise than the scalar functions.
enum { TOGETHER = 8 };
static void draw_normals(uint64_t key, uint64_t row, uint64_t column, double normals[TOGETHER])
{
    struct random_block blocks[TOGETHER];
    double first[TOGETHER], second[TOGETHER];
#pragma omp simd
    for (size_t i = 0; i < TOGETHER; i++)
        blocks[i] = random_block(key, row, column + i);
    for (size_t i = 0; i < TOGETHER; i++) {
        first[i] = (uniform_of(blocks[i].word[0], blocks[i].word[1]) + 1) * 0x1p-53;
        second[i] = uniform_of(blocks[i].word[2], blocks[i].word[3]) * 0x1p-53;
    }
#pragma omp simd
    for (size_t i = 0; i < TOGETHER; i++)
        normals[i] = sqrt(-2 * log(first[i])) * cos(6.283185307179586477 * second[i]);
}

void random_normals(uint64_t key, uint64_t row, uint64_t column, size_t count, double *normals)
{
    size_t done = 0;
    for (; done + TOGETHER <= count; done += TOGETHER)
        draw_normals(key, row, column + done, normals + done);
    if (done < count) {
        double last[TOGETHER];
        draw_normals(key, row, column + done, last);
        memcpy(normals + done, last, (count - done) * sizeof *normals);
    }
}

double random_normal(uint64_t key, uint64_t row, uint64_t column)
{
    double normal;
    random_normals(key, row, column, 1, &normal);
    return normal;
}

uint64_t random_below(uint64_t key, uint64_t row, uint64_t column, uint64_t bound)
{
    __extension__ typedef unsigned __int128 wide;
    return (uint64_t)((wide)random_bits(key, row, column) * bound >> 64);
}
