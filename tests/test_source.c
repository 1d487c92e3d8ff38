// test_source.c: experiments whose runs start from those of another, from outside: the program is run and its database read.
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fixture_program.h"

static const char database[] = "results/ablate.db";

static void open_source(void)
{
    program_folder_open(60, 2);
    program_write_experiment(60, 2, "  ffn: {values: [gelu, relu]}\n");
}

// Four runs that start from tiny.yaml's: two arms, two seeds.
static void write_child(const char *init)
{
    FILE *file = fopen("child.yaml", "w");
    fprintf(file,
            "name: child\nmethod: grid\nmetric: {name: \"val_loss@sliding(window=2)\", goal: minimize}\nreplicates: 2\n"
            "eval_as: [\"sliding(window=2)\"]\nbaseline: {attention: full, init: \"%s\"}\nparameters:\n"
            "  data: {value: text(path=text.txt)}\n  model.d_model: {value: 16}\n  model.n_layer: {value: 1}\n"
            "  model.n_head: {value: 2}\n  model.seq_len: {value: 16}\n  train.batch: {value: 4}\n  train.steps: {value: 20}\n"
            "  train.eval_tokens: {value: 500}\n  ffn: {value: relu}\n  attention: {values: [full, \"sliding(window=4)\"]}\n",
            init);
    fclose(file);
}

static int run(const char *what, const char *option, const char *value)
{
    return program_run((const char *const[]){"run", what, "--no-report", option, value, NULL});
}

static void expect_output(const char *part)
{
    char *output = program_output();
    cr_expect_not_null(strstr(output, part), "no \"%s\" in: %s", part, output);
    free(output);
}

TestSuite(source, .init = open_source, .fini = program_folder_close);

// What cannot be started from is refused with the command that mends it, and that command does: the finished runs are run again
// only as far as their weights are missing.
Test(source, without_weights_is_refused_with_the_command_that_keeps_them)
{
    write_child("run(experiment=tiny, arm=ffn=relu)");
    cr_expect_eq(run("child.yaml", NULL, NULL), 2);
    expect_output("child.yaml:6: init: run(experiment=tiny, arm=ffn=relu): results/ablate.db holds no run to start from; run "
                  "that experiment first: ablate run tiny.yaml\n");
    cr_assert_eq(run("tiny.yaml", NULL, NULL), 0);
    cr_expect_eq(run("child.yaml", NULL, NULL), 2);
    expect_output("finished, but kept no weights; run it and keep them: ablate run tiny --set train.keep_weights=true");
    char *before = program_content(database, NULL);
    cr_assert_eq(run("tiny", "--set", "train.keep_weights=true"), 0);
    char *after = program_content(database, NULL);
    program_expect_same(after, before, "rerun for its weights");
    free(before);
    free(after);
    cr_assert_eq(run("tiny", "--set", "train.keep_weights=true"), 0);
    cr_expect_eq(program_count(database, "SELECT max(attempts) FROM runs"), 2, "weights that are there were made again");
    cr_expect_eq(run("child.yaml", NULL, NULL), 0);
}

// Pairs stay pairs: a run of seed 2 starts from the source of seed 2, at exactly the loss that it ended with.
Test(source, each_run_starts_from_the_run_of_its_own_seed)
{
    write_child("run(experiment=tiny, arm=ffn=relu)");
    cr_assert_eq(run("tiny.yaml", "--set", "train.keep_weights=true"), 0);
    cr_assert_eq(run("child.yaml", NULL, NULL), 0);
    cr_expect_eq(program_count(database, "SELECT count(*) FROM runs AS child JOIN runs AS source ON source.id = "
                                         "child.started_from WHERE child.seed = source.seed"),
                 4);
    cr_expect_eq(program_count(database, "SELECT count(*) FROM provenance JOIN runs ON runs.id = run WHERE name = "
                                         "'started_from' AND value = started_from"),
                 4);
    cr_expect_eq(program_count(database,
                               "SELECT count(*) FROM arms JOIN runs ON runs.id = arms.run "
                               "JOIN metrics AS first ON first.run = runs.id AND first.name = 'val_loss' AND first.step = 0 "
                               "JOIN metrics AS last ON last.run = started_from AND last.name = 'val_loss' AND last.step = 60 "
                               "WHERE arm = '(base)' AND experiment = 'child' AND first.value = last.value"),
                 2);
}

// A run is what it is: however its source was named, and not if it has another.
Test(source, is_part_of_the_identity_by_its_id)
{
    struct text id = {0}, init = {0};
    write_child("run(experiment=tiny, arm=ffn=relu)");
    cr_assert_eq(run("tiny.yaml", "--set", "train.keep_weights=true"), 0);
    cr_assert_eq(run("child.yaml", NULL, NULL), 0);
    int runs = program_count(database, "SELECT count(*) FROM runs");
    program_query(database, "SELECT run FROM arms WHERE experiment = 'tiny' AND arm = 'ffn=relu' AND seed = 1", &id);
    text_add(&init, "run(%s)", strtok(id.data, "\n"));
    write_child(init.data);
    cr_assert_eq(run("child.yaml", NULL, NULL), 0, "%s", program_output());
    cr_expect_eq(program_count(database, "SELECT count(*) FROM runs"), runs + 2, "seed 1 is there, seed 2 has another source");
    write_child("run(experiment=tiny, arm=ffn=rely)");
    cr_expect_eq(run("child.yaml", NULL, NULL), 2);
    expect_output("child.yaml:6: init: run(experiment=tiny): no arm \"ffn=rely\", did you mean \"ffn=relu\"?");
    text_free(&id);
    text_free(&init);
}

// The metric must be one that every arm tells; its attention may be written in any way.
Test(source, an_experiment_is_compared_by_what_eval_as_tells)
{
    program_write_experiment(60, 2, "  ffn: {values: [gelu, relu]}\n");
    FILE *file = fopen("tiny.yaml", "a");
    fputs("eval_as: [\"sliding(window=2)\"]\n", file);
    fclose(file);
    cr_assert_eq(system("sed -i 's/name: val_loss/name: \"val_loss@sliding( window = 2 )\"/' tiny.yaml"), 0);
    cr_assert_eq(run("tiny.yaml", NULL, NULL), 0, "%s", program_output());
    expect_output("validation loss@sliding(window=2)");
    cr_assert_eq(system("sed -i '/^eval_as/d' tiny.yaml"), 0);
    cr_expect_eq(run("tiny.yaml", NULL, NULL), 2);
    expect_output("tiny.yaml:3: metric: (base) is not evaluated as sliding(window=2); name it under eval_as: "
                  "[\"sliding(window=2)\"]");
    cr_assert_eq(system("sed -i 's/val_loss@/train_loss@/' tiny.yaml"), 0);
    cr_expect_eq(run("tiny.yaml", NULL, NULL), 2);
    expect_output("train_loss is told of training");
}
