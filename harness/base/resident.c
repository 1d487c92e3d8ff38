// resident.c: reads /proc/self/status; allocates nothing.
#include "base/resident.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t read_field(const char *name)
{
    char text[4096];
    int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    ssize_t count = read(file, text, sizeof text - 1);
    close(file);
    text[count > 0 ? count : 0] = '\0';
    const char *field = strstr(text, name);
    return field ? (size_t)strtoull(field + strlen(name), NULL, 10) * 1024 : 0;
}

size_t resident_bytes(void) { return read_field("\nVmRSS:"); }
size_t resident_peak_bytes(void) { return read_field("\nVmHWM:"); }

size_t resident_limit_bytes(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (size_t)pages * (size_t)size : SIZE_MAX;
}
