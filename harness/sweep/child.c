// child.c: posix_spawn, pipes and a pidfd; see child.h.
#include "sweep/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"

extern char **environ;

// Product libraries must not start threads of their own beside the executor's.
static char **child_environment(void)
{
    static char one_thread[] = "OPENBLAS_NUM_THREADS=1";
    size_t count = 0, kept = 0;
    while (environ[count])
        count++;
    char **copy = memory_allocate(count + 2, sizeof *copy);
    for (size_t i = 0; i < count; i++)
        if (strncmp(environ[i], one_thread, strchr(one_thread, '=') - one_thread + 1))
            copy[kept++] = environ[i];
    copy[kept] = one_thread;
    return copy;
}

static char **child_arguments(const char *const *plugins)
{
    size_t count = 0;
    while (plugins && plugins[count])
        count++;
    char **arguments = memory_allocate(2 * count + 3, sizeof *arguments);
    size_t next = 0;
    arguments[next++] = "ablate";
    arguments[next++] = "worker";
    for (size_t i = 0; i < count; i++) {
        arguments[next++] = "--plugin";
        arguments[next++] = (char *)plugins[i];
    }
    return arguments;
}

static int spawn(pid_t *process, int input, int output, int complaints, const char *const *plugins)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    char **arguments = child_arguments(plugins), **environment = child_environment();
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, complaints, STDERR_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    int trouble = posix_spawn(process, "/proc/self/exe", &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    free(arguments);
    free(environment);
    return trouble;
}

static void close_all(int *files, int count)
{
    for (int i = 0; i < count; i++)
        if (files[i] >= 0)
            close(files[i]);
}

bool child_open(struct child *child, const char *const *plugins, struct error *error)
{
    enum { REQUEST_READ, REQUEST_WRITE, MESSAGE_READ, MESSAGE_WRITE, COMPLAINT_READ, COMPLAINT_WRITE, FILES };
    int files[FILES] = {-1, -1, -1, -1, -1, -1};
    *child = (struct child){.exit_notice = -1, .requests = -1};
    int trouble = 0;
    for (int i = 0; i < FILES && !trouble; i += 2)
        trouble = pipe2(files + i, O_CLOEXEC) ? errno : 0;
    if (!trouble)
        trouble = spawn(&child->process, files[REQUEST_READ], files[MESSAGE_WRITE], files[COMPLAINT_WRITE], plugins);
    if (!trouble) {
        child->exit_notice = pidfd_open(child->process, 0);
        if (child->exit_notice < 0) {
            trouble = errno;
            kill(child->process, SIGKILL);
            waitpid(child->process, NULL, 0);
        }
    }
    if (trouble) {
        close_all(files, FILES);
        return error_add(error, "a worker process could not be started: %s; try fewer --jobs", strerror(trouble));
    }
    close(files[REQUEST_READ]);
    close(files[MESSAGE_WRITE]);
    close(files[COMPLAINT_WRITE]);
    child->requests = files[REQUEST_WRITE];
    child->messages = (struct lines){.file = files[MESSAGE_READ]};
    child->complaints = (struct lines){.file = files[COMPLAINT_READ]};
    fcntl(child->messages.file, F_SETFL, O_NONBLOCK);
    fcntl(child->complaints.file, F_SETFL, O_NONBLOCK);
    return true;
}

void child_send(struct child *child, const struct message *message)
{
    struct text line = {0};
    struct error broken = {0};
    message_print(message, &line);
    if (!line_write(child->requests, &line, &broken)) {
        child->is_cut_off = true;
        child_kill(child);
    }
    text_free(&line);
}

void child_listen(struct child *child)
{
    struct error ignored = {0};
    if (!lines_fill(&child->complaints, &ignored))
        child->complaints.ended = true;
    const char *line;
    while ((line = lines_next(&child->complaints)))
        if (*line) {
            strncpy(child->last_words, line, LAST_WORDS_SIZE - 1);
            child->last_words[LAST_WORDS_SIZE - 1] = '\0';
        }
}

void child_kill(const struct child *child)
{
    kill(-child->process, SIGKILL);
    kill(child->process, SIGKILL);
}

void child_wait(struct child *child, struct text *ending)
{
    int status = 0;
    while (waitpid(child->process, &status, 0) < 0 && errno == EINTR)
        ;
    child_listen(child);
    // One that had died by itself before it was to be told something ended as it did, not as child_send saw to.
    if (child->is_cut_off && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        text_add(ending, "could not be answered and was ended");
    else if (WIFSIGNALED(status))
        text_add(ending, "ended by signal %d (%s)%s", WTERMSIG(status), strsignal(WTERMSIG(status)),
                 WTERMSIG(status) == SIGKILL ? ", as the system does when memory runs out" : "");
    else if (WEXITSTATUS(status))
        text_add(ending, "ended with status %d", WEXITSTATUS(status));
    if (ending->length && child->last_words[0])
        text_add(ending, ": %s", child->last_words);
}

void child_close(struct child *child)
{
    close(child->exit_notice);
    close(child->requests);
    close(child->messages.file);
    close(child->complaints.file);
    lines_close(&child->messages);
    lines_close(&child->complaints);
    child->process = 0;
}
