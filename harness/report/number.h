// number.h: numbers as short as a table for people wants them.
//
// Who calls it: the screen, figures' labels and the report. Each call returns its text by value, so that several fit one
// printf.
#ifndef REPORT_NUMBER_H
#define REPORT_NUMBER_H

#include <stdbool.h>

struct number {
    char text[32];
};

// Decimals that give a half-width two significant digits: .011 -> 3. At most 9.
int number_decimals(double half_width);
// "-.041", "+.003" with `plus`, "1.25"; no leading zero; a value that rounds to zero has no sign; "-" for NaN.
struct number number_fixed(double value, int decimals, bool plus);
// The same, with more decimals where the value would otherwise read as zero.
struct number number_small(double value, int decimals);
// The shortest decimal that is the value, as a person typed it: ".015".
struct number number_exact(double value);
// A probability: "<.001", ".004", ".21", "1.0".
struct number number_p(double p);
// 812, 8.1k, 81k, 1.1M, ... in powers of 1000.
struct number number_count(double count);
// 512 KiB, 1.2 GiB, ... in powers of 1024.
struct number number_bytes(double bytes);
// 0.4s, 45s, 3m12s, 2h05m, 3d04h.
struct number number_duration(double seconds);
// For predictions: "40 s", "4 min", "2 h", "3 days"; at least "1 s".
struct number number_about(double seconds);

#endif
