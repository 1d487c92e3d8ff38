// attention_amx.c: products on AMX's tiles; see attention_bf16.h.
//
// A tile is 16 rows of 64 bytes: 16 x 32 of A, 16 pairs of steps x 16 columns of B, 16 x 16 of C. Two of A and two of B make a
// block of 32 x 32 of C, so that each is loaded once for two products. Compiled into every x86-64 build and called where the
// CPU and its system have AMX.
#include "tensor/bf16.h"
#include "tensor/ops/attention_bf16.h"

#include <stddef.h>

#ifdef __x86_64__
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TARGET __attribute__((target("amx-tile,amx-bf16")))
enum { TILE_ROWS = 16 };
// A tile's name is a literal for gcc: 0 to 3 are C's quarters, row by row; 4 and 5 are A's halves, 6 and 7 B's.

bool attention_amx_allowed(void)
{
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

// All tiles alike. A constant in memory, because gcc's _tile_loadconfig names no more than its first bytes as read.
static const struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} shapes = {
    .palette = 1,
    .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64},
    .rows = {16, 16, 16, 16, 16, 16, 16, 16},
};

TARGET static void begin(void) { _tile_loadconfig(&shapes); }

// Tiles that are not released make every switch of threads save them.
TARGET static void end(void) { _tile_release(); }

// A block of C at `c`, over all steps.
TARGET static inline void multiply_block(const struct bf16_product *p, const uint16_t *a, const uint16_t *b, float *c)
{
    const int64_t c_bytes = p->c_row * (int64_t)sizeof *c, a_bytes = p->a_row * (int64_t)sizeof *a,
                  b_bytes = p->b_pair * (int64_t)sizeof *b;
    float *lower = c + TILE_ROWS * p->c_row;
    if (p->add) {
        _tile_loadd(0, c, c_bytes);
        _tile_loadd(1, c + TILE_ROWS, c_bytes);
        _tile_loadd(2, lower, c_bytes);
        _tile_loadd(3, lower + TILE_ROWS, c_bytes);
    } else {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    }
    for (int64_t step = 0; step < p->steps; step += BF16_BLOCK) {
        const uint16_t *pairs = b + step / 2 * p->b_pair;
        _tile_loadd(4, a + step, a_bytes);
        _tile_loadd(6, pairs, b_bytes);
        _tile_loadd(7, pairs + 2 * TILE_ROWS, b_bytes);
        _tile_loadd(5, a + step + TILE_ROWS * p->a_row, a_bytes);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, c, c_bytes);
    _tile_stored(1, c + TILE_ROWS, c_bytes);
    _tile_stored(2, lower, c_bytes);
    _tile_stored(3, lower + TILE_ROWS, c_bytes);
}

TARGET static void multiply(const struct bf16_product *p)
{
    for (int64_t column = 0; column < p->columns; column += BF16_BLOCK)
        for (int64_t row = 0; row < p->rows; row += BF16_BLOCK)
            multiply_block(p, p->a + row * p->a_row, p->b + 2 * column, p->c + row * p->c_row + column);
}

const struct attention_bf16 attention_amx = {
    .begin = begin,
    .end = end,
    .multiply = multiply,
    .round_rows = bf16_native_round,
    .round_pairs = attention_round_pairs,
};
#endif
