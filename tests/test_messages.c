// test_messages.c: what runner and worker say to each other arrives unchanged, and what is no message is refused.
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "sweep/messages.h"

static struct message pass(const struct message *sent)
{
    struct text line = {0};
    struct message got;
    struct error error = {0};
    message_print(sent, &line);
    cr_assert_eq(strchr(line.data, '\n'), line.data + line.length - 1, "a message is one line");
    cr_assert(message_read(line.data, &got, &error), "%s", error.text);
    text_free(&line);
    return got;
}

// Rows are compared to the bit after a resume: a digit lost on the way would show as a difference that nobody made.
Test(messages, doubles_pass_unchanged)
{
    static const double values[] = {0.1,       -0.0,      1.0 / 3, DBL_MIN,  DBL_TRUE_MIN, DBL_MAX,
                                    -1.5e-310, 123456789, M_PI,    INFINITY, -INFINITY,    NAN};
    enum { COUNT = sizeof values / sizeof *values };
    struct message_row rows[COUNT];
    static const char *const names[] = {"train_loss", "val_loss@sliding(window=4)"};
    for (int i = 0; i < COUNT; i++)
        rows[i] = (struct message_row){i, names[i % 2], values[i]};
    struct message got = pass(&(struct message){.kind = MESSAGE_METRICS, .rows = rows, .row_count = COUNT});
    cr_assert_eq(got.row_count, COUNT);
    for (int i = 0; i < COUNT; i++) {
        cr_assert_eq(got.rows[i].step, i);
        cr_assert_str_eq(got.rows[i].name, names[i % 2]);
        if (isnan(values[i]))
            cr_assert(isnan(got.rows[i].value), "NaN became %.17g", got.rows[i].value);
        else
            cr_assert(!memcmp(&got.rows[i].value, &values[i], sizeof(double)), "%.17g became %.17g", values[i],
                      got.rows[i].value);
    }
    message_close(&got);
}

// Names and paths are whatever a person chose.
Test(messages, text_passes_unchanged)
{
    const struct fact values[] = {{"data", "text(path=\"a b\\c\n\td\")"}, {"ffn", "swiglu(ratio=8/3)"}, {NULL, NULL}};
    struct message got = pass(
        &(struct message){.kind = MESSAGE_RUN, .id = "0123456789abcdef", .values = values, .threads = 3, .checkpoint = NULL});
    cr_assert_str_eq(got.values[0].value, values[0].value);
    cr_assert_str_eq(got.values[1].value, values[1].value);
    cr_assert_null(got.values[2].name);
    cr_assert_null(got.checkpoint);
    cr_assert_eq(got.threads, 3);
    message_close(&got);
}

// A plug-in may write anything to the pipe: the runner refuses the line and does not fall over it.
Test(messages, what_is_no_message_is_refused)
{
    static const char *const lines[] = {
        "",
        "{",
        "[]",
        "7",
        "{\"kind\":\"party\"}",
        "{\"kind\":\"commit\"}",
        "{\"kind\":\"commit\",\"step\":\"one\"}",
        "{\"kind\":\"metrics\",\"rows\":7}",
        "{\"kind\":\"metrics\",\"rows\":{}}",
        "{\"kind\":\"metrics\",\"rows\":{\"names\":[\"a\"],\"name\":[0],\"step\":[1],\"value\":3}}",
        "{\"kind\":\"metrics\",\"rows\":{\"names\":[\"a\"],\"name\":[0],\"step\":[1],\"value\":[2,3]}}",
        "{\"kind\":\"metrics\",\"rows\":{\"names\":[\"a\"],\"name\":[0],\"step\":[1,2],\"value\":[3]}}",
        "{\"kind\":\"metrics\",\"rows\":{\"names\":[\"a\"],\"name\":[1],\"step\":[1],\"value\":[3]}}",
        "{\"kind\":\"metrics\",\"rows\":{\"names\":[\"a\"],\"name\":[-1],\"step\":[1],\"value\":[3]}}",
        "{\"kind\":\"metrics\",\"rows\":{\"names\":[7],\"name\":[0],\"step\":[1],\"value\":[3]}}",
        "{\"kind\":\"metrics\",\"rows\":{\"names\":[\"a\"],\"name\":[0],\"step\":[\"b\"],\"value\":[3]}}",
        "{\"kind\":\"metrics\",\"rows\":{\"names\":[\"a\"],\"name\":[0],\"step\":[1],\"value\":[\"much\"]}}",
        "{\"kind\":\"run\",\"id\":\"a\",\"values\":[[\"a\"]]}",
        "\xff\xfe",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct message message;
        struct error error = {0};
        cr_assert_not(message_read(lines[i], &message, &error), "%s", lines[i]);
        cr_assert_eq(error.count, 1);
    }
}

// A pipe gives bytes, not lines: one may come in pieces and many at once.
Test(messages, lines_are_found_however_they_come)
{
    int pipe_ends[2];
    struct error error = {0};
    cr_assert_eq(pipe(pipe_ends), 0);
    struct lines lines = {.file = pipe_ends[0]};
    cr_assert_eq(write(pipe_ends[1], "fir", 3), 3);
    cr_assert(lines_fill(&lines, &error));
    cr_assert_null(lines_next(&lines));
    cr_assert_eq(write(pipe_ends[1], "st\n\nthird\nfou", 13), 13);
    cr_assert(lines_fill(&lines, &error));
    cr_assert_str_eq(lines_next(&lines), "first");
    cr_assert_str_eq(lines_next(&lines), "");
    cr_assert_str_eq(lines_next(&lines), "third");
    cr_assert_null(lines_next(&lines));
    cr_assert_eq(write(pipe_ends[1], "rth\n", 4), 4);
    close(pipe_ends[1]);
    cr_assert(lines_fill(&lines, &error));
    cr_assert_str_eq(lines_next(&lines), "fourth");
    cr_assert(lines_fill(&lines, &error));
    cr_assert(lines.ended);
    close(pipe_ends[0]);
    lines_close(&lines);
}
