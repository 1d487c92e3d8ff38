// bad_options.c: an option table with every mistake that the contract names.
#include "registry/component.h"

struct settings {
    double first, second;
};

static const struct option options[] = {
    {"twice", OPTION_REAL, offsetof(struct settings, first), .fallback = "1", .help = "a number"},
    {"twice", OPTION_REAL, offsetof(struct settings, second), .fallback = "1", .help = "a number"},
    {"outside", OPTION_INT, sizeof(struct settings), .fallback = "1", .help = "beyond the struct"},
    {"beyond_range", OPTION_REAL, .fallback = "5", .max = 2, .help = "its default is not allowed"},
    {"unhelpful", OPTION_REAL, .fallback = "1"},
    {"choiceless", OPTION_CHOICE, .fallback = "a", .help = "a choice of nothing"},
    {0},
};

static struct tensor *build(const struct block *block, const void *self, struct tensor *x)
{
    (void)self;
    return op_relu(block->graph, x);
}

const struct component ffn_bad_options = {.slot = SLOT_FFN,
                                          .name = "bad_options",
                                          .version = 1,
                                          .summary = "max(0, x)",
                                          .options = options,
                                          .options_size = sizeof(struct settings),
                                          .ffn = {.build = build}};
