// test_run.c: a run in words: what is set is printed back, what cannot be meant is refused, and one run has one identity.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "registry/run.h"

enum { PAIRS_MAX = 8 };

// A run from "key=value" pairs; false with the mistakes.
static bool make(struct run *run, const char *const *pairs, struct arena *arena, struct error *error)
{
    bool done = true;
    run_defaults(run, arena);
    for (int i = 0; i < PAIRS_MAX && pairs[i]; i++)
        done = run_set_pair(run, pairs[i], arena, error) && done;
    return done && run_resolve(run, error);
}

static void identity(const char *const *pairs, const char *data_hash, char id[RUN_ID_SIZE])
{
    struct run run;
    struct arena arena = {0};
    struct error error = {0};
    cr_assert(make(&run, pairs, &arena, &error), "%s", error.text);
    run_identity(&run, data_hash, "openblas", id);
    arena_close(&arena);
}

// ---- Print, set, print ------------------------------------------------------------------------------------------------------

struct form {
    const char *key, *value, *printed;
};
static const struct form forms[] = {
    {"ffn", "swiglu", "swiglu"},
    {"ffn", "swiglu()", "swiglu"},
    {"ffn", " swiglu ( ratio = 2 ) ", "swiglu(ratio=2)"},
    {"ffn", "swiglu(ratio=8/3)", "swiglu"},
    {"ffn", "swiglu(d_ff=64,ratio=2)", "swiglu(ratio=2, d_ff=64)"},
    {"ffn", "[swiglu(ratio=2), relu]", "[\"swiglu(ratio=2)\", \"relu\"]"},
    {"ffn", "[\"swiglu(ratio=2, d_ff=64)\", 'relu']", "[\"swiglu(ratio=2, d_ff=64)\", \"relu\"]"},
    {"ffn", "[swiglu(ratio=2, d_ff=64), relu]", "[\"swiglu(ratio=2, d_ff=64)\", \"relu\"]"},
    {"ffn", "[\"relu\"]", "relu"},
    {"position", "none", "none"},
    {"z_loss", "off", "off"},
    {"z_loss", "on(coef=1e-2)", "on(coef=0.01)"},
    {"train.lr", "3e-4", "0.0003"},
    {"model.bias", "true", "true"},
    {"data", "text(path=\"a, (b) \\\"c\\\".txt\")", "text(path=\"a, (b) \\\"c\\\".txt\")"},
};

// The string in the database is the string one types: what is printed must be read back as the same.
Test(run, what_is_printed_is_read_back)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct run run;
        struct arena arena = {0};
        struct error error = {0};
        struct text once = {0}, twice = {0};
        run_defaults(&run, &arena);
        cr_assert(run_set(&run, forms[i].key, forms[i].value, &arena, &error), "%s", error.text);
        cr_assert(run_print(&run, forms[i].key, &once));
        cr_expect_str_eq(once.data, forms[i].printed, "%s printed as %s", forms[i].value, once.data);
        cr_assert(run_set(&run, forms[i].key, once.data, &arena, &error), "%s", error.text);
        run_print(&run, forms[i].key, &twice);
        cr_expect_str_eq(once.data, twice.data, "%s became %s", once.data, twice.data);
        text_free(&once);
        text_free(&twice);
        arena_close(&arena);
    }
}

static void set_visited(void *context, const char *key, const char *value, bool is_default)
{
    (void)is_default;
    struct arena arena = {0}; // values of this test's runs hold no text
    struct error error = {0};
    cr_expect(run_set(context, key, value, &arena, &error), "%s=%s: %s", key, value, error.text);
    arena_close(&arena);
}

// A run can be rebuilt from its stored options alone.
Test(run, a_run_is_rebuilt_from_what_is_visited)
{
    static const char *const pairs[] = {"ffn=[\"swiglu(ratio=2)\", gelu]",
                                        "ffn.1.d_ff=72",
                                        "train.lr=0.01",
                                        "heads=gqa(kv_heads=1)",
                                        "position=none",
                                        "z_loss=on",
                                        NULL};
    struct run run, again;
    struct arena arena = {0};
    struct error error = {0};
    cr_assert(make(&run, pairs, &arena, &error), "%s", error.text);
    run_defaults(&again, &arena);
    run_visit(&run, set_visited, &again);
    cr_assert(run_resolve(&again, &error), "%s", error.text);
    struct text first = {0}, second = {0};
    run_identity_text(&run, "", "", &first);
    run_identity_text(&again, "", "", &second);
    cr_expect_str_eq(first.data, second.data);
    text_free(&first);
    text_free(&second);
    arena_close(&arena);
}

// ---- Refusals ---------------------------------------------------------------------------------------------------------------

struct mistake {
    const char *pair, *said;
};
static const struct mistake mistakes[] = {
    {"ffn=swiglo", "ffn: no component \"swiglo\", did you mean \"swiglu\"? See: ablate list ffn\n"},
    {"ffn=swiglu(ratoi=2)",
     "ffn: swiglu(ratoi=2): no option \"ratoi\", did you mean \"ratio\"? See: ablate describe ffn/swiglu\n"},
    {"ffn=swiglu(ratio=2, ratio=3)", "ffn: swiglu(ratio=2, ratio=3): option \"ratio\" is set twice\n"},
    {"ffn=swiglu(ratio)", "ffn: swiglu(ratio): \"ratio\" is not of the form option=value\n"},
    {"ffn=swiglu(ratio=2", "ffn: swiglu(ratio=2: the parentheses do not close, or something follows them\n"},
    {"ffn=swiglu(ratio=2))", "ffn: swiglu(ratio=2)): the parentheses do not close, or something follows them\n"},
    {"ffn=swiglu(ratio=2) x", "ffn: swiglu(ratio=2) x: the parentheses do not close, or something follows them\n"},
    {"ffn=", "ffn: a value is missing. See: ablate list ffn\n"},
    {"ffn=[]", "ffn: the list is empty; name at least one component\n"},
    {"ffn=relu, swiglu(ratio=2)", "ffn: relu, swiglu(ratio=2): a list is written in brackets: [relu, swiglu(ratio=2)]\n"},
    {"ffn=[relu, gelu", "ffn: [relu, gelu: the list does not close with ]\n"},
    {"norm=[rmsnorm, layernorm]", "norm: [rmsnorm, layernorm]: it takes one component for the whole model, not a list\n"},
    {"ffn.ratoi=2", "ffn.ratoi: ffn is gelu, which has no option \"ratoi\", did you mean \"ratio\"?\n"},
    {"z_loss.coef=1", "z_loss.coef: z_loss is off, which has no options; set z_loss first\n"},
    {"ffn.ratio=many", "ffn.ratio: \"many\" is not a number; it takes 0.01 to 1024\n"},
    {"train.stops=4", "no key \"train.stops\", did you mean \"train.steps\"? See: ablate list\n"},
    {"lr=4", "no key \"lr\", did you mean \"train.lr\"? See: ablate list\n"},
    {"fnn.ratio=4", "no key \"fnn.ratio\", did you mean \"ffn.ratio\"? See: ablate list\n"},
    {"train.batch=0", "train.batch: \"0\" is out of range; it takes 1 to 65536\n"},
    {"model.bias=yes", "model.bias: \"yes\" is neither true nor false; it takes true | false\n"},
    {"gemm=openblass", "gemm: no choice \"openblass\", did you mean \"openblas\"? It takes auto | openblas | onednn\n"},
    {"gemm=mkl", "gemm: no choice \"mkl\". It takes auto | openblas | onednn\n"},
    {"train.lr", "\"train.lr\" is not of the form key=value, such as ffn=swiglu or train.lr=1e-3\n"},
    {"model.n_head=3", "model.n_head: 3 heads do not divide model.d_model 128; set model.head_dim\n"},
    {"train.warmup=501", "train.warmup: 501 steps of warm-up are more than train.steps 500; set it lower\n"},
};

// One line that says what is wrong, what was meant and what to do.
Test(run, mistakes_are_answered_in_one_line)
{
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        const char *const pairs[] = {mistakes[i].pair, NULL};
        struct run run;
        struct arena arena = {0};
        struct error error = {0};
        cr_expect_not(make(&run, pairs, &arena, &error), "%s was accepted", mistakes[i].pair);
        cr_expect_str_eq(error.text, mistakes[i].said, "%s: said %s", mistakes[i].pair, error.text);
        cr_expect(error.is_request);
        arena_close(&arena);
    }
}

// A value that was refused leaves the run as it was: a half-read list would have layers that nothing fills.
Test(run, a_refused_value_changes_nothing)
{
    struct run run;
    struct arena arena = {0};
    struct error error = {0};
    run_defaults(&run, &arena);
    cr_expect_not(run_set(&run, "ffn", "[relu, swiglo]", &arena, &error));
    cr_expect_eq(run.slots[SLOT_FFN].count, 1);
    cr_expect_str_eq(run_choice(&run, SLOT_FFN, 3)->component->name, "gelu");
    arena_close(&arena);
}

Test(run, a_list_is_cycled_over_the_layers)
{
    struct run run;
    struct arena arena = {0};
    struct error error = {0};
    run_defaults(&run, &arena);
    cr_assert(run_set(&run, "ffn", "[relu, gelu, swiglu]", &arena, &error), "%s", error.text);
    static const char *const want[] = {"relu", "gelu", "swiglu", "relu", "gelu"};
    for (int64_t layer = 0; layer < 5; layer++)
        cr_expect_str_eq(run_choice(&run, SLOT_FFN, layer)->component->name, want[layer]);
    arena_close(&arena);
}

// ---- Identity ---------------------------------------------------------------------------------------------------------------

struct pair_of_runs {
    const char *why;
    bool same;
    const char *first[PAIRS_MAX], *second[PAIRS_MAX];
};
static const struct pair_of_runs identities[] = {
    {"a default said aloud", true, {NULL}, {"train.lr=0.001", "ffn=gelu(ratio=4)", "model.bias=false", NULL}},
    {"a number in other digits", true, {"train.lr=3e-4", NULL}, {"train.lr=0.0003", NULL}},
    {"a fraction", true, {"ffn=swiglu(ratio=8/3)", NULL}, {"ffn=swiglu", NULL}},
    {"an option inside and outside the parentheses", true, {"ffn=swiglu(ratio=2)", NULL}, {"ffn=swiglu", "ffn.ratio=2", NULL}},
    {"another order", true, {"train.lr=1", "train.steps=60", NULL}, {"train.steps=60", "train.lr=1", NULL}},
    {"head_dim as it would be derived", true, {NULL}, {"model.head_dim=32", NULL}},
    {"head_dim as it would not", false, {NULL}, {"model.head_dim=16", NULL}},
    {"a list of one", true, {"ffn=relu", NULL}, {"ffn=[relu]", NULL}},
    {"a list of the same", true, {"ffn=relu", NULL}, {"ffn=[relu, relu]", NULL}},
    {"a period twice", true, {"ffn=[relu, gelu]", NULL}, {"ffn=[relu, gelu, relu, gelu]", NULL}},
    {"entries within the layers",
     false,
     {"model.n_layer=3", "ffn=[relu, gelu]", NULL},
     {"model.n_layer=3", "ffn=[relu, gelu, silu]", NULL}},
    {"the order of a list", false, {"ffn=[relu, gelu]", NULL}, {"ffn=[gelu, relu]", NULL}},
    {"how often checkpoints are written", true, {NULL}, {"train.checkpoint_every=7", NULL}},
    {"lanes change the order of sums", false, {NULL}, {"train.lanes=3", NULL}},
    {"another seed", false, {NULL}, {"seed=2", NULL}},
    {"the placebo", false, {NULL}, {"train.nudge=1e-6", NULL}},
    {"another component", false, {NULL}, {"ffn=relu", NULL}},
    {"none is not the default position", false, {NULL}, {"position=none", NULL}},
    {"one bit of a number", false, {"train.lr=0.1", NULL}, {"train.lr=0.10000000000000001", "train.clip=2", NULL}},
};

// Runs are shared by experiments through their identity: two spellings of one run must not train it twice, and two runs must
// never be taken for one.
Test(identity, equal_exactly_where_the_runs_are)
{
    for (size_t i = 0; i < sizeof identities / sizeof *identities; i++) {
        char first[RUN_ID_SIZE], second[RUN_ID_SIZE];
        identity(identities[i].first, "hash", first);
        identity(identities[i].second, "hash", second);
        cr_expect_eq(strcmp(first, second) == 0, identities[i].same, "%s: %s and %s", identities[i].why, first, second);
        cr_expect_eq(strspn(first, "0123456789abcdef"), 16u);
    }
}

Test(identity, depends_on_the_data)
{
    char first[RUN_ID_SIZE], second[RUN_ID_SIZE];
    const char *const none[] = {NULL};
    identity(none, "one text", first);
    identity(none, "another", second);
    cr_expect_str_neq(first, second);
}

// A meaning that changed raises the version, and what ran under the old one is no longer the same run.
Test(identity, depends_on_the_versions_of_components_in_use_alone)
{
    struct run run;
    struct arena arena = {0};
    struct error error = {0};
    const char *const none[] = {NULL};
    char before[RUN_ID_SIZE], after[RUN_ID_SIZE];
    cr_assert(make(&run, none, &arena, &error), "%s", error.text);
    run_identity(&run, "", "", before);
    struct component newer = *run.slots[SLOT_FFN].choices[0].component;
    newer.version++;
    run.slots[SLOT_FFN].choices[0].component = &newer;
    run_identity(&run, "", "", after);
    cr_expect_str_neq(before, after);
    arena_close(&arena);
}
