// fixture_file.c: see fixture_file.h.
#include "fixture_file.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void file_write_text(char path[FILE_PATH_SIZE], const void *data, size_t count)
{
    strcpy(path, "/tmp/ablate-test-XXXXXX.yaml");
    int file = mkstemps(path, 5);
    cr_assert(file >= 0);
    cr_assert_eq(write(file, data, count), (ssize_t)count);
    close(file);
}

bool file_read_experiment(const char *text, const struct experiment_changes *changes, struct experiment *experiment,
                          struct error *error)
{
    char path[FILE_PATH_SIZE];
    struct error whole = {0};
    file_write_text(path, text, strlen(text));
    bool done = experiment_read(path, changes, experiment, &whole);
    unlink(path);
    *error = (struct error){.count = whole.count, .is_request = whole.is_request};
    for (const char *c = whole.text; *c;) {
        size_t length = strcspn(c, "\n") + 1;
        size_t lead = strncmp(c, path, strlen(path)) == 0 ? strlen(path) + 1 : 0;
        memcpy(error->text + error->length, c + lead, length - lead);
        error->length += length - lead;
        c += length;
    }
    return done;
}
