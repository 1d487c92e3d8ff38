// test_number.c: numbers as tables and sentences print them.
#include <criterion/criterion.h>
#include <math.h>

#include "report/number.h"

Test(number, as_short_as_people_want_them)
{
    static const struct {
        struct number (*print)(double);
        double value;
        const char *want;
    } cases[] = {
        {number_p, 0.0004, "<.001"},      {number_p, 0.0042, ".004"},
        {number_p, 0.214, ".21"},         {number_p, 1, "1.0"},
        {number_count, 812, "812"},       {number_count, 81234, "81k"},
        {number_count, 1.1e6, "1.1M"},    {number_count, 999600, "1.0M"},
        {number_bytes, 1536, "1.5 KiB"},  {number_bytes, 4e8, "381 MiB"},
        {number_duration, 192, "3m12s"},  {number_duration, 59.7, "1m00s"},
        {number_duration, 7500, "2h05m"}, {number_about, 230, "4 min"},
        {number_about, 0, "1 s"},         {number_exact, 0.015, ".015"},
        {number_exact, 2, "2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_str_eq(cases[i].print(cases[i].value).text, cases[i].want, "%g: got %s, want %s", cases[i].value,
                         cases[i].print(cases[i].value).text, cases[i].want);
    cr_expect_str_eq(number_fixed(-0.0412, 3, true).text, "-.041");
    cr_expect_str_eq(number_fixed(0.0026, 3, true).text, "+.003");
    cr_expect_str_eq(number_fixed(-0.0004, 3, true).text, ".000");
    cr_expect_str_eq(number_fixed(12.34, 1, false).text, "12.3");
    cr_expect_str_eq(number_fixed(NAN, 3, true).text, "-");
    cr_expect_str_eq(number_small(0.0003, 2).text, ".0003");
    cr_expect_eq(number_decimals(0.011), 3);
    cr_expect_eq(number_decimals(0.0095), 4);
    cr_expect_eq(number_decimals(3.2), 1);
    cr_expect_eq(number_decimals(40), 0);
}
