// fixture_folder.h: a folder of a test's own, gone afterwards with all that is in it.
#ifndef TESTS_FIXTURE_FOLDER_H
#define TESTS_FIXTURE_FOLDER_H

enum { FOLDER_PATH_SIZE = 32 };

void folder_make(char folder[FOLDER_PATH_SIZE]);
void folder_remove(const char *folder);

#endif
