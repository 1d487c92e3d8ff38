// terminal.h: how wide what a person reads may be.
//
// Who calls it: tables, help and notes; and `ablate compare`, whose page is wider where no terminal says otherwise.
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdio.h>

enum { TERMINAL_USUAL = 80 };

// The terminal's own width, where `file` is one; else COLUMNS, where it is set; else `otherwise`.
int terminal_columns(FILE *file, int otherwise);
// A sentence and a line end; it wraps at spaces.
void terminal_print(FILE *file, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
