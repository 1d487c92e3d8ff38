// option.c: reads, checks and prints the values that an option table describes.
//
// Refuses what is not of the option's type or outside its range, in words that name what was allowed. Called for components'
// options, the scalars of a run and the options of verbs.
#include "registry/option.h"

#include <stdlib.h>
#include <string.h>

static bool has_lower(const struct option *option) { return option->min != 0 || option->max != 0 || option->above_min; }

// A max of 0 under a min of 0 or more is "not stated".
static bool has_upper(const struct option *option)
{
    return (option->max != 0 || option->min < 0) && option->max < OPTION_NO_LIMIT;
}

static bool in_range(const struct option *option, double value)
{
    if (has_lower(option) && (option->above_min ? value <= option->min : value < option->min))
        return false;
    return !has_upper(option) || value <= option->max;
}

const struct option *option_find(const struct option *table, const char *name)
{
    for (const struct option *option = table; option && option->name; option++) {
        if (strcmp(option->name, name) == 0)
            return option;
    }
    return NULL;
}

static void print_bounds(const struct option *option, struct text *text)
{
    if (has_upper(option) && option->above_min) {
        text_add(text, "above ");
        text_add_real(text, option->min);
        text_add(text, " and at most ");
        text_add_real(text, option->max);
    } else if (has_upper(option)) {
        text_add_real(text, option->min);
        text_add(text, " to ");
        text_add_real(text, option->max);
    } else if (option->above_min) {
        text_add(text, "above ");
        text_add_real(text, option->min);
    } else {
        text_add_real(text, option->min);
        text_add(text, " or more");
    }
}

void option_print_range(const struct option *option, struct text *text)
{
    switch (option->type) {
    case OPTION_BOOL:
        text_add(text, "true | false");
        break;
    case OPTION_CHOICE:
        for (int i = 0; option->choices[i]; i++)
            text_add(text, "%s%s", i ? " | " : "", option->choices[i]);
        break;
    case OPTION_TEXT:
        text_add(text, "any text");
        break;
    case OPTION_INT:
    case OPTION_REAL:
        if (has_lower(option))
            print_bounds(option, text);
        else
            text_add(text, option->type == OPTION_INT ? "any whole number" : "any number");
        break;
    }
}

// `what` says why: "is not a number".
static bool refuse(const struct option *option, const char *value, const char *what, struct error *error)
{
    struct text range = {0};
    option_print_range(option, &range);
    error_request(error, "%s: \"%s\" %s; it takes %s", option->name, value, what, range.data);
    text_free(&range);
    return false;
}

static bool set_choice(const struct option *option, int *field, const char *value, struct error *error)
{
    struct nearest nearest;
    nearest_open(&nearest, value);
    for (int i = 0; option->choices[i]; i++) {
        if (strcmp(option->choices[i], value) == 0) {
            *field = i;
            return true;
        }
        nearest_offer(&nearest, option->choices[i]);
    }
    struct text range = {0};
    option_print_range(option, &range);
    error_request(error, "%s: no choice \"%s\"%s It takes %s", option->name, value, nearest_suggestion(&nearest).text,
                  range.data);
    text_free(&range);
    return false;
}

bool option_set(const struct option *option, void *target, const char *value, struct arena *arena, struct error *error)
{
    void *field = (unsigned char *)target + option->offset;
    int64_t integer;
    double real;
    switch (option->type) {
    case OPTION_INT:
        if (!text_to_int(value, &integer))
            return refuse(option, value, "is not a whole number", error);
        if (!in_range(option, (double)integer))
            return refuse(option, value, "is out of range", error);
        memcpy(field, &integer, sizeof integer);
        return true;
    case OPTION_REAL:
        if (!text_to_real(value, &real))
            return refuse(option, value, "is not a number", error);
        if (!in_range(option, real))
            return refuse(option, value, "is out of range", error);
        memcpy(field, &real, sizeof real);
        return true;
    case OPTION_BOOL:
        if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
            return refuse(option, value, "is neither true nor false", error);
        *(bool *)field = value[0] == 't';
        return true;
    case OPTION_CHOICE:
        return set_choice(option, field, value, error);
    case OPTION_TEXT:
        *(const char **)field = arena_copy_text(arena, value);
        return true;
    }
    return false;
}

void option_defaults(const struct option *table, void *target, struct arena *arena)
{
    for (const struct option *option = table; option && option->name; option++) {
        struct error error = {0};
        if (!option_set(option, target, option->fallback ? option->fallback : "", arena, &error))
            abort();
    }
}

void option_print(const struct option *option, const void *target, struct text *text)
{
    const void *field = (const unsigned char *)target + option->offset;
    switch (option->type) {
    case OPTION_INT:
        text_add(text, "%lld", (long long)*(const int64_t *)field);
        break;
    case OPTION_REAL:
        text_add_real(text, *(const double *)field);
        break;
    case OPTION_BOOL:
        text_add(text, "%s", *(const bool *)field ? "true" : "false");
        break;
    case OPTION_CHOICE:
        text_add(text, "%s", option->choices[*(const int *)field]);
        break;
    case OPTION_TEXT:
        text_add(text, "%s", *(const char *const *)field ? *(const char *const *)field : "");
        break;
    }
}

// The default is compared as a value, so that "1e-3" and "0.001" are one.
bool option_is_default(const struct option *option, const void *target)
{
    union {
        int64_t integer;
        double real;
        bool flag;
        int choice;
        const char *text;
    } fallback;
    const struct option alone[] = {{.name = option->name,
                                    .type = option->type,
                                    .fallback = option->fallback,
                                    .min = option->min,
                                    .max = option->max,
                                    .above_min = option->above_min,
                                    .choices = option->choices},
                                   {0}};
    struct arena arena = {0};
    option_defaults(alone, &fallback, &arena);
    struct text want = {0}, have = {0};
    option_print(&alone[0], &fallback, &want);
    option_print(option, target, &have);
    bool same = strcmp(want.data, have.data) == 0;
    text_free(&want);
    text_free(&have);
    arena_close(&arena);
    return same;
}
