// test_random.c: numbers drawn together are those drawn alone.
#include <criterion/criterion.h>
#include <string.h>

#include "base/random.h"

// Which of the two a caller takes may not show in a run's bits: beginnings, ends and a column beyond 32 bits.
Test(random, normals_drawn_together_are_those_drawn_alone)
{
    static const struct {
        uint64_t row, column;
        size_t count;
    } spans[] = {{0, 0, 1}, {3, 0, 16}, {3, 5, 17}, {UINT64_C(1) << 40, 255, 40}, {7, (UINT64_C(1) << 32) - 9, 31}};
    double together[64];
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        memset(together, 0, sizeof together);
        random_normals(11, spans[i].row, spans[i].column, spans[i].count, together);
        for (size_t j = 0; j < spans[i].count; j++) {
            double alone = random_normal(11, spans[i].row, spans[i].column + j);
            cr_expect(memcmp(&alone, &together[j], sizeof alone) == 0, "span %zu, column %zu: %a alone, %a together", i, j,
                      alone, together[j]);
        }
        cr_expect_eq(together[spans[i].count], 0, "span %zu writes behind its end", i);
    }
}
