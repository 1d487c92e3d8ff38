// gnuplot.c: runs `gnuplot -d -c SCRIPT FIGURE TERMINAL [log]` in the figure's folder and checks what it left behind.
//
// Names reach gnuplot as arguments and through the data file alone, never as text of a command. A picture that does not end as
// its format must (a full disk, for one) is removed.
#include "report/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

const char *const gnuplot_terminals[] = {"svg", "png", "pdf", NULL};
static const char *const endings[] = {"</svg>", "IEND", "%%EOF"}; // in the last bytes of a whole file

extern char **environ;

enum { COMPLAINT_SIZE = 1024, ENDING_SIZE = 32 };
static const size_t picture_limit = (size_t)256 << 20;

static bool picture_is_whole(const char *path, const char *terminal)
{
    struct error ignored = {0};
    struct bytes picture = {0};
    bool whole = false;
    if (file_read(path, picture_limit, &picture, &ignored)) {
        size_t tail = picture.count < ENDING_SIZE ? picture.count : ENDING_SIZE;
        for (int i = 0; gnuplot_terminals[i]; i++)
            if (!strcmp(gnuplot_terminals[i], terminal))
                whole = memmem(picture.data + picture.count - tail, tail, endings[i], strlen(endings[i]));
    }
    bytes_free(&picture);
    return whole;
}

// The first line that says something: gnuplot echoes the command and points at it before it complains.
static void first_complaint(const char *said, struct text *line)
{
    for (const char *begin = said; *begin;) {
        size_t length = strcspn(begin, "\n");
        if (memmem(begin, length, "line ", 5) || memmem(begin, length, "rror", 4)) {
            text_add_bytes(line, begin, length);
            return;
        }
        begin += length + (begin[length] == '\n');
    }
}

static void read_complaints(int pipe, char said[COMPLAINT_SIZE])
{
    size_t length = 0;
    char buffer[COMPLAINT_SIZE];
    for (ssize_t got; (got = read(pipe, buffer, sizeof buffer)) != 0;) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            break;
        size_t kept = COMPLAINT_SIZE - 1 - length;
        kept = kept < (size_t)got ? kept : (size_t)got;
        memcpy(said + length, buffer, kept);
        length += kept;
    }
    said[length] = '\0';
}

// What gnuplot said goes to `said`; *status is that of waitpid. Returns 0 or what kept it from starting.
static int run(const struct drawing *drawing, char said[COMPLAINT_SIZE], int *status)
{
    // posix_spawn does not write to its arguments; the array's type is older than const.
    char *arguments[] = {"gnuplot",
                         "-d",
                         "-c",
                         (char *)drawing->script,
                         (char *)drawing->figure,
                         (char *)drawing->terminal,
                         drawing->logarithmic ? "log" : NULL,
                         NULL};
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return errno;
    posix_spawn_file_actions_t actions;
    int trouble = posix_spawn_file_actions_init(&actions);
    if (trouble) {
        close(ends[0]);
        close(ends[1]);
        return trouble;
    }
    pid_t child;
    posix_spawn_file_actions_addchdir_np(&actions, drawing->folder);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    trouble = posix_spawnp(&child, "gnuplot", &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (!trouble) {
        read_complaints(ends[0], said);
        while (waitpid(child, status, 0) < 0 && errno == EINTR)
            continue;
    }
    close(ends[0]);
    return trouble;
}

bool gnuplot_draw(const struct drawing *drawing, struct error *error)
{
    struct text path = {0}, line = {0};
    text_add(&path, "%s/%s.%s", drawing->folder, drawing->figure, drawing->terminal);
    unlink(path.data); // an older picture must not pass for this one
    char said[COMPLAINT_SIZE] = "";
    int status = 0, trouble = run(drawing, said, &status);
    bool done = false;
    if (trouble == ENOENT || (!trouble && WIFEXITED(status) && WEXITSTATUS(status) == 127)) {
        error_add(error, "gnuplot is not installed, so no figure can be drawn; as root: apt-get install gnuplot-nox");
    } else if (trouble) {
        error_add(error, "%s: gnuplot did not start: %s", path.data, strerror(trouble));
    } else if (!WIFEXITED(status) || WEXITSTATUS(status)) {
        first_complaint(said, &line);
        error_add(error, "%s/%s: gnuplot stopped: %s", drawing->folder, drawing->script,
                  line.data ? line.data : "it said nothing");
    } else if (!picture_is_whole(path.data, drawing->terminal)) {
        error_add(error, "%s: the picture is not whole; is the disk full?", path.data);
    } else {
        done = true;
    }
    if (!done)
        unlink(path.data);
    text_free(&path);
    text_free(&line);
    return done;
}
