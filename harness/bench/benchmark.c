// benchmark.c: see benchmark.h.
//
// The C++ part is a shared object that the program carries inside itself and opens at the first benchmark: were it linked,
// every worker would load the C++ library at its start, 2 ms of the 30 ms that a run of one step may cost.
#include "bench/benchmark.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "bench/google_benchmark.h"

extern const unsigned char google_benchmark_bytes[]; // the object, written by make
extern const uint64_t google_benchmark_size;

static const struct google_benchmark *library; // opened once, closed by the process's end

static bool library_open(struct error *error)
{
    char path[64];
    void *handle = NULL;
    int file = memfd_create("google_benchmark.so", MFD_CLOEXEC);
    if (file < 0 || !file_write(file, google_benchmark_bytes, google_benchmark_size)) {
        error_add(error, "no memory for the benchmark library: %s", strerror(errno));
    } else {
        snprintf(path, sizeof path, "/proc/self/fd/%d", file);
        handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if (!handle)
            error_add(error, "Google Benchmark does not open: %s; as root: apt-get install libbenchmark-dev", dlerror());
    }
    if (file >= 0)
        close(file);
    library = handle ? dlsym(handle, "google_benchmark") : NULL;
    if (handle && !library)
        error_add(error, "Google Benchmark's part of this program has no entry: %s; build it again: make clean all", dlerror());
    return library != NULL;
}

bool benchmark_running(struct benchmark_state *state) { return library->running(state); }

int64_t benchmark_argument(const struct benchmark_state *state, int place) { return library->argument(state, place); }

void benchmark_refuse(struct benchmark_state *state, const char *reason) { library->refuse(state, reason); }

bool benchmark_run(const struct benchmark_entry *list, int count, const struct benchmark_options *options,
                   benchmark_report *report, void *context, struct error *error)
{
    if (!library && !library_open(error))
        return false;
    library->run(list, count, options, report, context);
    return true;
}
