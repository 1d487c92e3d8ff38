// number.c: see number.h.
#include "report/number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum { DECIMALS_MAX = 9 };
static const struct number unknown = {"-"};

int number_decimals(double half_width)
{
    if (!(half_width > 0) || !isfinite(half_width))
        return 3;
    double decimals = 1 - floor(log10(half_width));
    return decimals < 0 ? 0 : decimals > DECIMALS_MAX ? DECIMALS_MAX : (int)decimals;
}

static bool reads_as_zero(const char *text) { return strspn(text, "+-0.") == strlen(text); }

struct number number_fixed(double value, int decimals, bool plus)
{
    struct number number;
    if (isnan(value))
        return unknown;
    if (isinf(value) || fabs(value) >= 1e15) {
        snprintf(number.text, sizeof number.text, plus ? "%+.3g" : "%.3g", value);
        return number;
    }
    snprintf(number.text, sizeof number.text, plus ? "%+.*f" : "%.*f", decimals, value);
    char *text = number.text;
    char *digits = text + (*text == '+' || *text == '-');
    if (digits > text && reads_as_zero(text))
        memmove(text, digits, strlen(digits) + 1), digits = text;
    if (digits[0] == '0' && digits[1] == '.')
        memmove(digits, digits + 1, strlen(digits));
    return number;
}

struct number number_small(double value, int decimals)
{
    struct number number = number_fixed(value, decimals, false);
    while (value != 0 && decimals < DECIMALS_MAX && reads_as_zero(number.text))
        number = number_fixed(value, ++decimals, false);
    return number;
}

struct number number_exact(double value)
{
    struct text digits = {0};
    struct number number;
    text_add_real(&digits, value);
    snprintf(number.text, sizeof number.text, "%s", digits.data + (!strncmp(digits.data, "0.", 2)));
    text_free(&digits);
    return number;
}

struct number number_p(double p)
{
    if (isnan(p))
        return unknown;
    if (p < 0.001)
        return (struct number){"<.001"};
    if (p >= 0.995)
        return (struct number){"1.0"};
    return number_fixed(p, p < 0.0995 ? 3 : 2, false);
}

// Two digits below ten of a unit, whole numbers above; 999.6 becomes 1.0 of the next.
static struct number scaled(double value, double step, const char *const *units, const char *between)
{
    struct number number;
    if (!isfinite(value))
        return unknown;
    while (fabs(value) >= step - 0.5 && units[1]) {
        value /= step;
        units++;
    }
    bool is_whole = fabs(value) >= 9.95 || value == floor(value);
    snprintf(number.text, sizeof number.text, "%.*f%s%s", is_whole ? 0 : 1, value, **units ? between : "", *units);
    return number;
}

struct number number_count(double count)
{
    static const char *const units[] = {"", "k", "M", "G", "T", "P", "E", NULL};
    return scaled(count, 1000, units, "");
}

struct number number_bytes(double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", NULL};
    return scaled(bytes, 1024, units, " ");
}

struct number number_duration(double seconds)
{
    struct number number;
    if (!isfinite(seconds) || seconds < 0 || seconds > 1e12)
        return unknown;
    long long whole = llround(seconds);
    if (seconds < 9.95)
        snprintf(number.text, sizeof number.text, "%.1fs", seconds);
    else if (whole < 60)
        snprintf(number.text, sizeof number.text, "%llds", whole);
    else if (whole < 3600)
        snprintf(number.text, sizeof number.text, "%lldm%02llds", whole / 60, whole % 60);
    else if (whole < 86400)
        snprintf(number.text, sizeof number.text, "%lldh%02lldm", whole / 3600, whole / 60 % 60);
    else
        snprintf(number.text, sizeof number.text, "%lldd%02lldh", whole / 86400, whole / 3600 % 24);
    return number;
}

struct number number_about(double seconds)
{
    static const struct {
        double below, unit;
        const char *word;
    } steps[] = {{90, 1, "s"}, {90 * 60, 60, "min"}, {36 * 3600.0, 3600, "h"}, {INFINITY, 86400, "days"}};
    struct number number;
    if (!isfinite(seconds))
        return unknown;
    int i = 0;
    while (seconds >= steps[i].below)
        i++;
    snprintf(number.text, sizeof number.text, "%.0f %s", fmax(ceil(seconds / steps[i].unit), 1), steps[i].word);
    return number;
}
