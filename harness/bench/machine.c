// machine.c: the best of several short rounds: what else runs on the machine can only slow one down.
#include "bench/machine.h"

#include <stdint.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"

enum { ROUNDS = 20, CHAINS = 12, FMA_REPEATS = 200000, TRIAD_ROUNDS = 6 };

#if defined __AVX512F__
enum { VECTOR_BYTES = 64 };
#elif defined __AVX__
enum { VECTOR_BYTES = 32 };
#else
enum { VECTOR_BYTES = 16 };
#endif
typedef float vector __attribute__((vector_size(VECTOR_BYTES)));
enum { LANES = VECTOR_BYTES / sizeof(float) };

// Two units with a latency of 4 to 5 cycles need 8 to 10 independent chains; 12 sums and two factors fit into 16 registers.
static void multiply_add(void *context, int member, int size)
{
    vector sums[CHAINS] = {{0}}, factor = {0}, term = {0};
    (void)context, (void)member, (void)size;
    for (int i = 0; i < (int)LANES; i++) {
        factor[i] = 0.999f;
        term[i] = 0.001f;
    }
    for (int repeat = 0; repeat < FMA_REPEATS; repeat++)
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++) {
            sums[i] = sums[i] * factor + term;
            __asm__ volatile("" : "+x"(sums[i])); // used, in a register: gcc neither folds the loop nor stores the sums
        }
}

static double round_flops(struct team *team) { return 2.0 * CHAINS * LANES * FMA_REPEATS * team_size(team); }

double machine_fma_flops_per_s(struct team *team)
{
    double flops = round_flops(team), best = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double start = clock_seconds();
        team_run(team, multiply_add, NULL);
        double rate = flops / (clock_seconds() - start);
        best = rate > best ? rate : best;
    }
    return best;
}

double machine_fma_flops_per_s_over(struct team *team, double seconds)
{
    double start = clock_seconds(), spent = 0;
    int rounds = 0;
    for (; spent < seconds; rounds++) {
        team_run(team, multiply_add, NULL);
        spent = clock_seconds() - start;
    }
    return rounds * round_flops(team) / spent;
}

struct triad {
    float *a, *b, *c;
    size_t count;
};

static void add_scaled(void *context, int member, int size)
{
    const struct triad *triad = context;
    size_t begin = triad->count / (size_t)size * (size_t)member, end = begin + triad->count / (size_t)size;
    float *restrict a = triad->a;
    const float *restrict b = triad->b, *restrict c = triad->c;
    for (size_t i = begin; i < end; i++)
        a[i] = b[i] + 3 * c[i];
    __asm__ volatile("" : : "r"(a) : "memory");
}

// Pages that were only read are one page of zeros.
static void touch(void *context, int member, int size)
{
    const struct triad *triad = context;
    size_t begin = triad->count / (size_t)size * (size_t)member, end = begin + triad->count / (size_t)size;
    for (size_t i = begin; i < end; i++)
        triad->a[i] = triad->b[i] = triad->c[i] = 1;
}

bool machine_triad_bytes_per_s(struct team *team, double *bytes_per_s, struct error *error)
{
    long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
    size_t least = (size_t)96 << 20, bytes = cache > 0 && 4 * (size_t)cache > least ? 4 * (size_t)cache : least;
    void *block;
    if (!memory_large(&block, bytes, "the arrays that measure the memory's speed", error))
        return false;
    size_t count = bytes / 3 / MEMORY_ALIGNMENT * (MEMORY_ALIGNMENT / sizeof(float));
    struct triad triad = {.a = block, .b = (float *)block + count, .c = (float *)block + 2 * count, .count = count};
    team_run(team, touch, &triad);
    *bytes_per_s = 0;
    for (int round = 0; round < TRIAD_ROUNDS; round++) {
        double start = clock_seconds();
        team_run(team, add_scaled, &triad);
        double rate = 3.0 * sizeof(float) * (double)count / (clock_seconds() - start);
        *bytes_per_s = rate > *bytes_per_s ? rate : *bytes_per_s;
    }
    memory_large_free(block, bytes);
    return true;
}
