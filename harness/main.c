// main.c: the program: finds the verb, reads its options, loads plug-ins, calls it, prints errors, exits.
//
// Exit status: 0 done, 1 the work failed, 2 the request was wrong. Nothing else prints errors or exits.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/file.h"
#include "cli/verb.h"
#include "registry/registry.h"

// A closed standard stream would give its number to the next file, and a message would land in it.
static void open_standard_streams(void)
{
    int file;
    do
        file = open("/dev/null", O_RDWR);
    while (file >= 0 && file <= STDERR_FILENO);
    if (file >= 0)
        close(file);
}

static void print_error(const struct error *error)
{
    int shown = 0;
    fflush(stdout);
    for (const char *c = error->text; *c; c++)
        shown += *c == '\n';
    fputs(error->text, stderr);
    if (error->length > 0 && error->text[error->length - 1] != '\n')
        fputs("...\n", stderr);
    if (error->count > shown)
        fprintf(stderr, "and %d more\n", error->count - shown);
}

static bool is_help(const char *word) { return !strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help"); }

static bool run_verb(int count, const char *const *arguments, struct error *error)
{
    const struct verb *verb = verb_find(arguments[0], error);
    if (!verb)
        return false;
    struct arena arena = {0};
    struct request request = {.arena = &arena};
    bool done = request_parse(verb, count - 1, arguments + 1, &request, error);
    if (request.help) {
        *error = (struct error){0};
        help_print_verb(verb, stdout);
        done = true;
        goto cleanup;
    }
    for (const char *const *plugin = request.plugins; done && *plugin; plugin++)
        done = registry_load_plugin(*plugin, error);
    done = done && verb->run(&request, error);
cleanup:
    arena_close(&arena);
    return done;
}

int main(int argc, char **argv)
{
    struct error error = {0};
    bool done = true;
    open_standard_streams();
    // A reader that has seen enough (`ablate list | head -1`) ends the program without a word, whoever started it.
    signal(SIGPIPE, SIG_DFL);
    // A limit on the size of files is a full disk: the write says so, and is answered like one.
    signal(SIGXFSZ, SIG_IGN);
    if (!cpu_check(cpu_built_for, cpu_features(), &error)) {
        fputs(error.text, stderr); // all else may hold instructions that this CPU lacks
        return 1;
    }
    if (argc < 2 || (argc == 2 && is_help(argv[1])))
        help_print_program(stdout);
    else if (!cpu_isa_check(&error))
        done = false;
    else if (is_help(argv[1]))
        done = run_verb(2, (const char *const[]){argv[2], "--help"}, &error);
    else
        done = run_verb(argc - 1, (const char *const *)argv + 1, &error);
    if (fflush(stdout) || ferror(stdout))
        done = error_add(&error, "the output cannot be written: %s", file_trouble(errno));
    print_error(&error);
    return done ? 0 : error.is_request ? 2 : 1;
}
