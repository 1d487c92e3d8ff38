// test_oracle.c: models, gradients and whole trainings are PyTorch's, and the check that says so names what is wrong.
#include <criterion/criterion.h>
#include <glob.h>
#include <math.h>
#include <string.h>

#include "check/case.h"
#include "check/verify.h"
#include "fixture_folder.h"
#include "model/safetensors.h"

static struct arena arena;
static char path[FOLDER_PATH_SIZE];

static void make_folder(void) { folder_make(path); }
static void remove_folder(void)
{
    folder_remove(path);
    arena_close(&arena);
}
TestSuite(oracle, .init = make_folder, .fini = remove_folder);

static bool onednn_opens(void)
{
    struct error unread = {0};
    return gemm_open((struct gemm_way){.library = GEMM_ONEDNN}, REAL_FLOAT, &unread);
}

// Every committed case whose components exist: models, gradients, and whole trainings through the trainer's own step. `key` and
// `value` change how it multiplies.
static void compare_with_pytorch(const char *key, const char *value)
{
    glob_t folders;
    int passed = 0, trajectories = 0;
    cr_assert_eq(glob("tests/oracle/*", 0, NULL, &folders), 0, "run the tests from the project's folder");
    for (size_t i = 0; i < folders.gl_pathc; i++) {
        struct run run;
        struct verdict verdict;
        struct error error = {0};
        const char *absent;
        cr_assert(case_read(folders.gl_pathv[i], &run, &absent, &arena, &error), "%s", error.text);
        if (absent)
            continue;
        cr_assert(run_set(&run, key, value, &arena, &error), "%s", error.text);
        if (!run_resolve(&run, &error)) { // reversible in bf16x3
            cr_expect_not_null(strstr(error.text, "residual: reversible"), "%s", error.text);
            continue;
        }
        cr_expect(verify_case(folders.gl_pathv[i], &run, 2, &verdict, &error), "%s", error.text);
        cr_expect(verdict.passed, "%s: %s is off by %g", folders.gl_pathv[i], verdict.worst_tensor, verdict.worst_error);
        passed += verdict.passed;
        trajectories += strstr(folders.gl_pathv[i], "/train-") != NULL;
    }
    cr_expect(passed >= 34 && trajectories == 5, "%d cases passed, %d of them trainings", passed, trajectories);
    globfree(&folders);
}

Test(oracle, equals_pytorch) { compare_with_pytorch("gemm", "openblas"); }
// oneDNN's own products, where it is installed.
Test(oracle, equals_pytorch_on_onednn)
{
    if (onednn_opens())
        compare_with_pytorch("gemm", "onednn");
}
// Sums of two bfloat16 numbers are close enough to float for the same limits.
Test(oracle, equals_pytorch_in_bf16x3) { compare_with_pytorch("precision", "bf16x3"); }

// A copy of a case whose expected tensors `change` has spoilt.
static void expect_failure(void (*change)(struct safetensors *expected), const char *tensor)
{
    const char *copy = arena_format(&arena, "%s/expected.safetensors", path);
    struct safetensors expected;
    struct bytes weights;
    struct error error = {0};
    struct run run;
    struct verdict verdict;
    const char *absent;
    cr_assert(file_read("tests/oracle/llama-gqa/weights.safetensors", 1 << 20, &weights, &error), "%s", error.text);
    cr_assert(file_replace(arena_format(&arena, "%s/weights.safetensors", path), weights.data, weights.count, &error));
    cr_assert(safetensors_read("tests/oracle/llama-gqa/expected.safetensors", &expected, &error), "%s", error.text);
    change(&expected);
    cr_assert(safetensors_write(copy, expected.entries, expected.count, NULL, &error), "%s", error.text);
    cr_assert(case_read("tests/oracle/llama-gqa", &run, &absent, &arena, &error), "%s", error.text);
    bool done = verify_case(path, &run, 1, &verdict, &error);
    cr_expect(!done || !verdict.passed, "passed, although %s was spoilt", tensor);
    cr_expect_str_eq(verdict.worst_tensor, tensor, "%s is blamed for %s; %s", verdict.worst_tensor, tensor, error.text);
    safetensors_close(&expected);
    bytes_free(&weights);
}

static struct safetensors_entry *entry_of(struct safetensors *file, const char *name)
{
    return (struct safetensors_entry *)safetensors_find(file, name);
}
static void set_first(struct safetensors *file, const char *name, float value)
{
    memcpy((void *)entry_of(file, name)->data, &value, sizeof value);
}
static void spoil_value(struct safetensors *file)
{
    float value;
    memcpy(&value, entry_of(file, "logits")->data, sizeof value);
    set_first(file, "logits", value + 2e-3F); // logits reach 6: 2e-3 is beyond 1e-4 of that
}
static void spoil_number(struct safetensors *file) { set_first(file, "grad.model.norm.weight", NAN); }
static void spoil_name(struct safetensors *file) { entry_of(file, "grad.lm_head.weight")->name = "grad.lm_tail.weight"; }
static void remove_last(struct safetensors *file)
{
    struct safetensors_entry *loss = entry_of(file, "cross_entropy"), *last = &file->entries[file->count - 1];
    *loss = *last;
    file->count--;
}

// A check that passes whatever it is given is worse than none: each spoilt tensor is named.
Test(oracle, verify_names_what_is_wrong)
{
    expect_failure(spoil_value, "logits");
    expect_failure(spoil_number, "grad.model.norm.weight");
    expect_failure(spoil_name, "grad.lm_head.weight");
    expect_failure(remove_last, "cross_entropy");
}
