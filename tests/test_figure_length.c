// test_figure_length.c: the powers that time and memory grow by, and which runs are one line.
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "fixture_folder.h"
#include "report/figure_data.h"
#include "report/figure_length.h"

// Worked by hand: logarithms 0, 1, 2 against 0, 1, 3 have slope 1.5, residuals 1/6, -1/3, 1/6, so s^2 = 1/6 on one degree of
// freedom and a standard error of sqrt(s^2 / 2) = sqrt(1/12).
Test(figure_length, exponent_and_its_standard_error)
{
    struct length_point points[] = {{1, {1, 5}}, {2, {2, 5}}, {4, {8, 5}}};
    const struct length_line line = {"full", points, 3};
    struct power time = power_fit(&line, LENGTH_SECONDS), memory = power_fit(&line, LENGTH_BYTES);
    cr_expect_float_eq(time.value, 1.5, 1e-12, "%.15g", time.value);
    cr_expect_float_eq(time.error, sqrt(1.0 / 12), 1e-12, "%.15g", time.error);
    cr_expect_float_eq(log2(time.scale), -1.0 / 6, 1e-12, "%.15g", time.scale);
    cr_expect(fabs(memory.value) < 1e-12 && fabs(memory.scale - 5) < 1e-12, "%g, %g", memory.value, memory.scale);
}

// Two lengths lie on a line whatever they are: repetitions of them do not make a third.
Test(figure_length, two_lengths_are_no_power)
{
    struct length_point points[] = {{64, {1, 1}}, {64, {1.1, 1}}, {128, {2, 2}}, {128, {2.1, 2}}};
    const struct length_line line = {"full", points, 4};
    cr_expect_eq(length_count(&line), 2);
    cr_expect(isnan(power_fit(&line, LENGTH_SECONDS).value));
}

// ---- Runs -------------------------------------------------------------------------------------------------------------------

enum { ARMS = 7 };

// A list of attentions has commas of its own, in brackets; the batch follows the length and makes no line.
static const struct {
    const char *differs, *attention, *length;
    double tokens_per_s;
} arms[ARMS] = {
    {"", "full", "64", 1000},
    {"model.seq_len=128", "full", "128", 500},
    {"model.seq_len=256, train.batch=4", "full", "256", 250},
    {"attention=[\"sliding(window=8, dilation=2)\", \"full\"]", "[\"sliding(window=8, dilation=2)\", \"full\"]", "64", 800},
    {"attention=[\"sliding(window=8, dilation=2)\", \"full\"], model.seq_len=128",
     "[\"sliding(window=8, dilation=2)\", \"full\"]", "128", 800},
    {"attention=[\"sliding(window=8, dilation=2)\", \"full\"], model.seq_len=256, train.batch=4",
     "[\"sliding(window=8, dilation=2)\", \"full\"]", "256", 800},
    {"attention=[\"sliding(window=8, dilation=2)\", \"full\"], model.seq_len=512", "full", "512", 800},
};

struct made {
    struct run_view runs[ARMS];
    struct arm_view views[ARMS];
    struct comparison_arm arms[ARMS];
    struct experiment_view view;
    struct comparison comparison;
};

static void make(struct made *made, int count)
{
    *made = (struct made){.view = {.arm_count = count, .seed_count = 1, .arms = made->views},
                          .comparison = {.view = &made->view, .arms = made->arms, .arm_count = count}};
    for (int i = 0; i < count; i++) {
        made->runs[i] = (struct run_view){.state = RUN_FINISHED, .tokens_per_s = arms[i].tokens_per_s};
        made->views[i] = (struct arm_view){.runs = &made->runs[i]};
        made->arms[i] =
            (struct comparison_arm){.differs = arms[i].differs, .attention = arms[i].attention, .length = arms[i].length};
    }
}

Test(figure_length, arms_that_differ_in_the_length_are_one_line)
{
    struct made made;
    struct text data = {0};
    struct error error = {0};
    make(&made, ARMS - 1);
    cr_assert_null(figure_length_lacks(&made.comparison));
    const struct figure_source source = {.comparison = &made.comparison};
    cr_assert(figure_length_write(&(struct figure){.title = "t"}, &source, &data, &error), "%s", error.text);
    // Time of a token: twice as long with every doubling, and as long.
    cr_expect(strstr(data.data, "\n1\tfull\tT^1.00 \xc2\xb1 <.01\t-"), "%s", data.data);
    cr_expect(strstr(data.data, "\n2\t[\xe2\x80\x9dsliding(window=8, dilation=2)\xe2\x80\x9d, \xe2\x80\x9d"
                                "full\xe2\x80\x9d]\tT^.00"),
              "%s", data.data);
    cr_expect_null(strstr(data.data, "\n3\t"), "a third line: %s", data.data);
    text_free(&data);
}

// An experiment that does not ask about lengths has no such figure, and is told why.
Test(figure_length, fewer_than_three_lengths_are_refused_with_a_reason)
{
    struct made made;
    make(&made, 1);
    cr_expect(strstr(figure_length_lacks(&made.comparison), "one length"));
    make(&made, 2);
    cr_expect(strstr(figure_length_lacks(&made.comparison), "two lengths"));
    make(&made, 3);
    cr_expect_null(figure_length_lacks(&made.comparison));
    made.runs[2].state = RUN_FAILED;
    cr_expect(strstr(figure_length_lacks(&made.comparison), "two lengths"), "a failed run was taken for a length");
}

// What `ablate bench attention --plot` leaves.
Test(figure_length, is_drawn_to_a_file_of_any_format)
{
    static const char *const left[] = {"a.svg", "a.pdf", "a.tsv", "length.gp", "style.gp"};
    struct length_point points[] = {{512, {3e-5, 5e6}}, {1024, {6e-5, 9e6}}, {2048, {1e-4, 2e7}}};
    const struct length_line lines[] = {{"full", points, 3}, {"sliding(window=8)", points, 2}};
    struct arena arena = {0};
    struct error error = {0};
    char folder[FOLDER_PATH_SIZE];
    folder_make(folder);
    for (int i = 0; i < 2; i++)
        cr_expect(length_draw(arena_format(&arena, "%s/%s", folder, left[i]), "t", lines, 2, &error), "%s", error.text);
    cr_expect_not(length_draw(arena_format(&arena, "%s/a.jpeg", folder), "t", lines, 2, &error));
    cr_expect(error.is_request && strstr(error.text, ".svg, .png or .pdf"), "%s", error.text);
    for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        cr_expect_eq(access(arena_format(&arena, "%s/%s", folder, left[i]), R_OK), 0, "%s is not there", left[i]);
    folder_remove(folder);
    arena_close(&arena);
}
