// command.c: see command.h.
#include "bench/command.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { WORDS_MAX = 64, EXIT_REQUEST = 2 };

static bool start(const char *path, const char *const *words, int output, pid_t *process, struct error *error)
{
    // posix_spawn does not write to its arguments; the array's type is older than const.
    char *arguments[WORDS_MAX + 2] = {(char *)path};
    posix_spawn_file_actions_t actions;
    for (int i = 0; words[i]; i++) {
        if (i == WORDS_MAX)
            return error_add(error, "%s: more than %d words", path, WORDS_MAX);
        arguments[i + 1] = (char *)words[i];
    }
    int trouble = posix_spawn_file_actions_init(&actions);
    if (!trouble) {
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
        trouble = posix_spawn(process, path, &actions, NULL, arguments, environ);
        posix_spawn_file_actions_destroy(&actions);
    }
    return !trouble || error_add(error, "%s: it does not start: %s", path, strerror(trouble));
}

bool command_run(const char *path, const char *const *words, struct text *output, struct error *error)
{
    int ends[2], status = 0;
    char buffer[4096];
    pid_t process;
    if (pipe2(ends, O_CLOEXEC))
        return error_add(error, "%s: no pipe to it: %s", path, strerror(errno));
    bool done = start(path, words, ends[1], &process, error);
    close(ends[1]);
    text_add(output, "%s", "");
    for (ssize_t got; done && (got = read(ends[0], buffer, sizeof buffer)) != 0;) {
        if (got < 0 && errno != EINTR)
            break;
        text_add_bytes(output, buffer, got > 0 ? (size_t)got : 0);
    }
    close(ends[0]);
    while (done && waitpid(process, &status, 0) < 0 && errno == EINTR)
        continue;
    if (done && WIFSIGNALED(status))
        return error_add(error, "%s %s: signal %d ended it", path, words[0], WTERMSIG(status));
    if (!done || WEXITSTATUS(status) == 0)
        return done;
    error->is_request |= WEXITSTATUS(status) == EXIT_REQUEST; // what it refuses was asked of us
    return error_add(error, "%s %s: it ended with %d; its errors stand above", path, words[0], WEXITSTATUS(status));
}

bool command_lines(const char *path, const struct text *output, void (*visit)(void *context, const struct json_t *object),
                   void *context, struct error *error)
{
    for (const char *line = output->data; line && *line;) {
        size_t length = strcspn(line, "\n");
        json_error_t trouble;
        json_t *object = json_loadb(line, length, 0, &trouble);
        bool is_object = json_is_object(object);
        if (is_object)
            visit(context, object);
        json_decref(object);
        if (!is_object)
            return error_add(error, "%s: it printed no JSON object but \"%.*s\"; is it a build of ablate?", path,
                             length > 60 ? 60 : (int)length, line);
        line += length + (line[length] == '\n');
    }
    return true;
}

double command_number(const struct json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

const char *command_word(const struct json_t *object, const char *name)
{
    const char *word = json_string_value(json_object_get(object, name));
    return word ? word : "";
}
