// test_registry.c: components are found by name, keep their contract, and plug-ins that break it are refused with the reason.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check/conformance.h"
#include "registry/run.h"

// ---- What is built in -------------------------------------------------------------------------------------------------------

// Nothing is believed of a plug-in that does not hold for the program's own components.
Test(registry, every_component_keeps_the_contract)
{
    cr_assert(registry_list()[0], "no component at all");
    for (const struct component *const *c = registry_list(); *c; c++) {
        struct error error = {0};
        cr_expect(component_check(*c, &error), "%s", error.text);
        cr_expect((*c)->source && (*c)->source[0], "%s/%s: names no paper or program", slot_facts[(*c)->slot].name, (*c)->name);
    }
}

// Lists and tables are read by people: by slot in the order of a run, then by name.
Test(registry, components_are_sorted_by_slot_and_name)
{
    for (const struct component *const *c = registry_list(); c[0] && c[1]; c++) {
        bool sorted = c[0]->slot < c[1]->slot || (c[0]->slot == c[1]->slot && strcmp(c[0]->name, c[1]->name) < 0);
        cr_expect(sorted, "%s before %s", c[0]->name, c[1]->name);
    }
}

// A run that names nothing must be possible.
Test(registry, every_slot_has_its_default)
{
    for (int slot = 0; slot < SLOT_COUNT; slot++) {
        struct choice choice;
        struct arena arena = {0};
        struct error error = {0};
        cr_expect(choice_parse((enum slot)slot, slot_facts[slot].fallback, &choice, &arena, &error), "%s", error.text);
        arena_close(&arena);
    }
}

static void expect_text(const struct error *error, const char *want)
{
    cr_expect_str_eq(error->text, want, "said: %s", error->text);
}

// The message of an unknown name is most of what a newcomer sees of the registry.
Test(registry, unknown_names_are_answered_with_the_nearest)
{
    struct error component = {0}, slot = {0}, nothing = {0};
    cr_expect_null(registry_find(SLOT_FFN, "swiglo", &component));
    expect_text(&component, "ffn: no component \"swiglo\", did you mean \"swiglu\"? See: ablate list ffn\n");
    cr_expect_eq(slot_find("attn", &slot), SLOT_COUNT);
    cr_expect(slot.is_request);
    cr_expect_eq(slot_find("atention", &nothing), SLOT_COUNT);
    expect_text(&nothing, "no slot \"atention\", did you mean \"attention\"? See: ablate list\n");
}

// ---- Options ----------------------------------------------------------------------------------------------------------------

struct sample {
    int64_t count;
    double rate, share;
    bool flag;
    int kind;
    const char *path;
};
static const char *const kinds[] = {"shared", "separate", NULL};
static const struct option samples[] = {
    {"count", OPTION_INT, offsetof(struct sample, count), .fallback = "4", .min = 1, .max = 64},
    {"rate", OPTION_REAL, offsetof(struct sample, rate), .fallback = "1e-3", .above_min = true},
    {"share", OPTION_REAL, offsetof(struct sample, share), .fallback = "0.5", .max = 1},
    {"flag", OPTION_BOOL, offsetof(struct sample, flag), .fallback = "true"},
    {"kind", OPTION_CHOICE, offsetof(struct sample, kind), .fallback = "shared", .choices = kinds},
    {"path", OPTION_TEXT, offsetof(struct sample, path), .fallback = ""},
    {0},
};

struct reading {
    const char *option, *value, *printed; // printed NULL: refused
};
static const struct reading readings[] = {
    {"count", "64", "64"},
    {"count", "1", "1"},
    {"count", "65", NULL},
    {"count", "0", NULL},
    {"count", "1.5", NULL},
    {"count", "", NULL},
    {"count", "4 ", NULL},
    {"count", "99999999999999999999", NULL},
    {"rate", "0.001", "0.001"},
    {"rate", "0", NULL},
    {"rate", "-1", NULL},
    {"rate", "nan", NULL},
    {"rate", "inf", NULL},
    {"rate", "8/3", "2.6666666666666665"},
    {"rate", "1/0", NULL},
    {"rate", "1e400", NULL},
    {"share", "0", "0"},
    {"share", "1", "1"},
    {"share", "1.0001", NULL},
    {"share", "-0.1", NULL},
    {"flag", "false", "false"},
    {"flag", "yes", NULL},
    {"kind", "separate", "separate"},
    {"kind", "seperate", NULL},
    {"path", "a, (b)", "a, (b)"},
    {"path", "", ""},
};

// One table of options drives everything, so reading must refuse whatever the table does not allow and print what it reads.
Test(option, values_are_read_checked_and_printed)
{
    for (size_t i = 0; i < sizeof readings / sizeof *readings; i++) {
        const struct reading *r = &readings[i];
        struct sample sample = {0};
        struct arena arena = {0};
        struct error error = {0};
        struct text text = {0};
        option_defaults(samples, &sample, &arena);
        const struct option *option = option_find(samples, r->option);
        bool done = option_set(option, &sample, r->value, &arena, &error);
        cr_expect_eq(done, r->printed != NULL, "%s=\"%s\": %s", r->option, r->value, done ? "was accepted" : error.text);
        cr_expect_eq(error.is_request, !done);
        option_print(option, &sample, &text);
        if (done && r->printed)
            cr_expect_str_eq(text.data, r->printed, "%s=\"%s\" printed as %s", r->option, r->value, text.data);
        else
            cr_expect(option_is_default(option, &sample), "%s=\"%s\" was refused and changed the value", r->option, r->value);
        text_free(&text);
        arena_close(&arena);
    }
}

Test(option, ranges_are_said_in_words)
{
    static const char *const want[] = {"1 to 64", "above 0", "0 to 1", "true | false", "shared | separate", "any text"};
    for (int i = 0; samples[i].name; i++) {
        struct text text = {0};
        option_print_range(&samples[i], &text);
        cr_expect_str_eq(text.data, want[i]);
        text_free(&text);
    }
}

// ---- Plug-ins ---------------------------------------------------------------------------------------------------------------

static void count_failures(void *context, const struct component *component, const struct finding *finding)
{
    (void)component;
    if (finding->verdict == FAILS)
        cr_log_error("%s: %s: %s", finding->property, finding->setting, finding->seen);
    *(int *)context += finding->verdict == FAILS;
}

// The worked example brings an op of its own: its gradient must be right, and the program must take it like a built-in one.
Test(plugin, the_example_loads_and_conforms)
{
    struct error error = {0};
    struct arena arena = {0};
    cr_assert(registry_load_plugin(PLUGINS "/softplus.so", &error), "%s", error.text);
    const struct component *softplus = registry_find(SLOT_FFN, "softplus", &error);
    cr_assert(softplus, "%s", error.text);
    int failures = 0;
    cr_expect(conformance_check(softplus, &arena, count_failures, &failures));
    cr_expect_eq(failures, 0);
    arena_close(&arena);
}

struct refusal {
    const char *file, *reason; // a part of the message
};
static const struct refusal refusals[] = {
    {PLUGINS "/other_abi.so", "made for component ABI 999"},
    {PLUGINS "/no_abi.so", "not a plug-in of ablate"},
    {PLUGINS "/no_descriptor.so", "it defines no component; one named <slot>_no_descriptor is needed"},
    {PLUGINS "/other_slot.so", "fills another slot"},
    {PLUGINS "/other_name.so", "calls itself \"elsewhere\"; its name must be that of the file, \"other_name\""},
    {PLUGINS "/gelu.so", "ffn/gelu: the name is taken"},
    {PLUGINS "/no_build.so", "its call `build` is missing"},
    {PLUGINS "/no_build.so", "its version is 0"},
    {PLUGINS "/no_build.so", "its summary is missing"},
    {PLUGINS "/bad_options.so", "option twice stands there twice"},
    {PLUGINS "/bad_options.so", "option outside lies outside its options struct of 16 bytes"},
    {PLUGINS "/bad_options.so", "option beyond_range: its default, \"5\", is not one of its values"},
    {PLUGINS "/bad_options.so", "option unhelpful has no help"},
    {PLUGINS "/bad_options.so", "option choiceless names no choices"},
    {PLUGINS "/missing.so", "no such plug-in file"},
    {PLUGINS, "no such plug-in file"},
    {"Makefile", "a plug-in's file is named after its component"},
};

// A plug-in comes from outside: every breach has its own reason, names the file, and leaves the registry as it was.
Test(plugin, each_breach_of_the_contract_is_refused_with_its_reason)
{
    size_t before = 0, after = 0;
    while (registry_list()[before])
        before++;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct error error = {0};
        cr_expect_not(registry_load_plugin(refusals[i].file, &error), "%s was accepted", refusals[i].file);
        cr_expect(strstr(error.text, refusals[i].reason), "%s: said %s", refusals[i].file, error.text);
        cr_expect_eq(strncmp(error.text, refusals[i].file, strlen(refusals[i].file)), 0, "file not named: %s", error.text);
        cr_expect(error.is_request);
    }
    while (registry_list()[after])
        after++;
    cr_expect_eq(before, after);
}

// A text file, and one that begins like a shared object and ends at once.
Test(plugin, files_that_are_no_shared_objects_are_refused)
{
    static const char *const contents[] = {"hello", "\x7f"
                                                    "ELF\x02\x01\x01"};
    for (int i = 0; i < 2; i++) {
        char path[] = "/tmp/ablate-test-XXXXXX.so";
        int file = mkstemps(path, 3);
        cr_assert(file >= 0);
        cr_assert_eq(write(file, contents[i], strlen(contents[i])), (ssize_t)strlen(contents[i]));
        close(file);
        struct error error = {0};
        cr_expect_not(registry_load_plugin(path, &error));
        cr_expect(strstr(error.text, "not a shared object"), "%s", error.text);
        unlink(path);
    }
}

Test(plugin, the_same_file_twice_is_refused)
{
    struct error error = {0};
    cr_assert(registry_load_plugin(PLUGINS "/softplus.so", &error), "%s", error.text);
    cr_expect_not(registry_load_plugin(PLUGINS "/softplus.so", &error));
    cr_expect(strstr(error.text, "the name is taken"), "%s", error.text);
}
