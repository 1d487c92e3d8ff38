// bench_roofline.c: `ablate bench roofline [SET]`: the roofline of a stored set, drawn again.
#include <stdio.h>

#include "cli/bench.h"
#include "report/roofline.h"
#include "store/view.h"

bool bench_roofline(const struct request *request, struct error *error)
{
    const struct bench_options *chosen = request->options;
    const char *file = *chosen->plot ? chosen->plot : "results/roofline.svg";
    struct store *store;
    struct benchmark_set_view view;
    if (!store_open(&store, request->database, STORE_READ, error))
        return false;
    bool done = view_benchmarks(store, request->word_count > 1 ? request->words[1] : "last", request->arena, &view, error);
    store_close(store);
    if (!done || !roofline_draw(&view.set, file, error))
        return false;
    printf("%s\n", file);
    return true;
}
