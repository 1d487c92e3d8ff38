// terminal.c: see terminal.h.
#include "cli/terminal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "base/text.h"
#include "report/layout.h"

int terminal_columns(FILE *file, int otherwise)
{
    enum { COLUMNS_MAX = 10000 };
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    int64_t width;
    if (!ioctl(fileno(file), TIOCGWINSZ, &size) && size.ws_col > 0)
        return size.ws_col;
    return columns && text_to_int(columns, &width) && width > 0 && width < COLUMNS_MAX ? (int)width : otherwise;
}

void terminal_print(FILE *file, const char *format, ...)
{
    struct text text = {0};
    va_list arguments;
    va_start(arguments, format);
    text_add_list(&text, format, arguments);
    va_end(arguments);
    flow_print(file, terminal_columns(file, TERMINAL_USUAL), 0, 0, text.data);
    text_free(&text);
}
