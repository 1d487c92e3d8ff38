// fixture_program.c: see fixture_program.h.
#include "fixture_program.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "fixture_folder.h"

extern char **environ;

static char program_path[PATH_MAX], plugins_path[PATH_MAX], folder[FOLDER_PATH_SIZE];

void program_folder_open(int steps, int seeds)
{
    cr_assert_not_null(realpath(PROGRAM, program_path), "%s is not there; make builds it", PROGRAM);
    cr_assert_not_null(realpath(PLUGINS, plugins_path), "%s is not there; make builds it", PLUGINS);
    folder_make(folder);
    cr_assert_eq(chdir(folder), 0);
    FILE *text = fopen("text.txt", "w");
    for (int i = 0; i < 4000; i++)
        fprintf(text, "%d and %d\n", i % 17, i * i % 23);
    fclose(text);
    program_write_experiment(steps, seeds, "  ffn: {values: [gelu, relu, swiglu]}\n");
}

void program_folder_close(void)
{
    cr_assert_eq(chdir("/"), 0);
    folder_remove(folder);
}

void program_write_experiment(int steps, int seeds, const char *lines)
{
    FILE *file = fopen("tiny.yaml", "w");
    fprintf(file,
            "name: tiny\nmethod: grid\nmetric: {name: val_loss, goal: minimize, margin: 0.01}\nreplicates: %d\n"
            "baseline: {ffn: gelu}\nparameters:\n  data: {value: text(path=text.txt)}\n  model.d_model: {value: 16}\n"
            "  model.n_layer: {value: 1}\n  model.n_head: {value: 2}\n  model.seq_len: {value: 16}\n  train.batch: {value: 4}\n"
            "  train.steps: {value: %d}\n  train.warmup: {value: 5}\n  train.eval_every: {value: 50}\n"
            "  train.eval_tokens: {value: 500}\n  train.checkpoint_every: {value: 40}\n%s",
            seeds, steps, lines);
    fclose(file);
}

static char **environment_with(const char *const *variables)
{
    size_t count = 0, more = 0;
    while (environ[count])
        count++;
    while (variables && variables[more])
        more++;
    char **all = memory_allocate(count + more + 1, sizeof *all);
    for (size_t i = 0; i < more; i++)
        all[i] = (char *)variables[i];
    memcpy(all + more, environ, count * sizeof *all);
    return all;
}

pid_t program_start(const char *const *words, const char *const *variables)
{
    pid_t process;
    posix_spawn_file_actions_t actions;
    const char *arguments[16] = {program_path};
    for (int i = 0; words[i]; i++)
        arguments[i + 1] = words[i];
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "output.txt", O_WRONLY | O_CREAT | O_TRUNC, 0666);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    char **environment = environment_with(variables);
    cr_assert_eq(posix_spawn(&process, program_path, &actions, NULL, (char **)arguments, environment), 0);
    posix_spawn_file_actions_destroy(&actions);
    free(environment);
    return process;
}

int program_wait(pid_t process)
{
    enum { PATIENCE_MILLISECONDS = 120000, STEP_MILLISECONDS = 2 };
    int status = 0, ended = 0;
    for (int i = 0; !ended && i < PATIENCE_MILLISECONDS / STEP_MILLISECONDS; i++) {
        ended = waitpid(process, &status, WNOHANG);
        if (!ended)
            program_sleep(STEP_MILLISECONDS);
    }
    if (!ended)
        kill(process, SIGKILL);
    cr_assert_eq(ended, process, "the program hangs");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

int program_run(const char *const *words) { return program_wait(program_start(words, NULL)); }

const char *program_plugins(void) { return plugins_path; }

char *program_output(void)
{
    struct bytes bytes;
    struct error error = {0};
    cr_assert(file_read("output.txt", 1 << 24, &bytes, &error), "%s", error.text);
    return (char *)bytes.data;
}

// ---- The database, read by itself -------------------------------------------------------------------------------------------

static void query_into(const char *database, const char *sql, struct text *text)
{
    sqlite3 *handle;
    sqlite3_stmt *statement;
    text_add(text, "%s", "");
    cr_assert_eq(sqlite3_open_v2(database, &handle, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK, "%s: %s", database,
                 sqlite3_errmsg(handle));
    sqlite3_busy_timeout(handle, 5000);
    cr_assert_eq(sqlite3_prepare_v2(handle, sql, -1, &statement, NULL), SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(handle));
    while (sqlite3_step(statement) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            const char *between = i ? "|" : text->length ? "\n" : "";
            if (sqlite3_column_type(statement, i) == SQLITE_FLOAT)
                text_add(text, "%s%.17g", between, sqlite3_column_double(statement, i));
            else
                text_add(text, "%s%s", between, (const char *)sqlite3_column_text(statement, i));
        }
    }
    sqlite3_finalize(statement);
    sqlite3_close(handle);
}

void program_query(const char *database, const char *sql, struct text *text) { query_into(database, sql, text); }

int program_count(const char *database, const char *sql)
{
    struct text text = {0};
    query_into(database, sql, &text);
    int count = atoi(text.data);
    text_free(&text);
    return count;
}

// Views and what of them is the same on every repetition, whatever the order in which runs ended.
static const struct {
    const char *select, *order, *run;
} contents[] = {
    {"SELECT 'run', id, state, seed, diverged_at, parameters, parameters_without_embeddings, flops, failure FROM runs", "id",
     "id"},
    {"SELECT 'metric', run, name, step, value, non_finite FROM metrics", "run, name, step", "run"},
    {"SELECT 'event', run, step, kind, detail, value, threshold FROM events", "run, step, kind", "run"},
    {"SELECT 'option', run, key, value, is_default FROM options", "run, key", "run"},
    {"SELECT 'arm', experiment, version, position, arm, seed, run FROM arms", "experiment, version, position, seed", "run"},
    {"SELECT 'experiment', name, version, hash, metric, looks FROM experiments", "name, version", NULL},
};

char *program_content(const char *database, const char *only_run)
{
    struct text content = {0}, sql = {0};
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        if (only_run && !contents[i].run)
            continue;
        sql.length = 0;
        text_add(&sql, "%s", contents[i].select);
        if (only_run)
            text_add(&sql, " WHERE %s = '%s'", contents[i].run, only_run);
        text_add(&sql, " ORDER BY %s", contents[i].order);
        query_into(database, sql.data, &content);
    }
    text_free(&sql);
    return content.data;
}

void program_expect_same(const char *got, const char *want, const char *what)
{
    size_t same = 0, line = 0;
    while (got[same] && got[same] == want[same])
        if (got[same++] == '\n')
            line = same;
    cr_assert(got[same] == want[same], "%s: \"%.*s\" instead of \"%.*s\"", what, (int)strcspn(got + line, "\n"), got + line,
              (int)strcspn(want + line, "\n"), want + line);
}

// ---- Processes --------------------------------------------------------------------------------------------------------------

int program_workers(pid_t runner, pid_t *workers, int most)
{
    struct text path = {0};
    int count = 0;
    text_add(&path, "/proc/%d/task/%d/children", (int)runner, (int)runner);
    FILE *file = fopen(path.data, "r");
    while (file && count < most && fscanf(file, "%d", &workers[count]) == 1)
        count++;
    if (file)
        fclose(file);
    text_free(&path);
    return count;
}

pid_t program_await_worker(pid_t runner)
{
    pid_t worker = 0;
    for (int i = 0; i < 2000 && program_workers(runner, &worker, 1) == 0; i++)
        program_sleep(1);
    cr_assert_gt(worker, 0, "no worker in sight");
    return worker;
}

void program_sleep(int milliseconds)
{
    nanosleep(&(struct timespec){milliseconds / 1000, milliseconds % 1000 * 1000000L}, NULL);
}

bool program_await_checkpoint(void)
{
    for (int i = 0; i < 2000; i++) {
        glob_t found;
        bool there = glob("results/checkpoints/*.safetensors", 0, NULL, &found) == 0;
        globfree(&found);
        if (there)
            return true;
        program_sleep(5);
    }
    return false;
}
