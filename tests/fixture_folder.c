// fixture_folder.c: see fixture_folder.h.
#include "fixture_folder.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

void folder_make(char folder[FOLDER_PATH_SIZE])
{
    snprintf(folder, FOLDER_PATH_SIZE, "/tmp/ablate-test-XXXXXX");
    cr_assert_not_null(mkdtemp(folder), "no folder can be made in /tmp");
}

void folder_remove(const char *folder)
{
    char command[FOLDER_PATH_SIZE + 8];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_assert_eq(system(command), 0);
}
