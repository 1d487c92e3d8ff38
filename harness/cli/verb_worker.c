// verb_worker.c: the hidden verb that `ablate run` starts its worker processes with.
#include "cli/verb.h"
#include "sweep/worker.h"

static bool run(const struct request *request, struct error *error)
{
    (void)request;
    return worker_main(error);
}

const struct verb verb_worker = {
    .name = "worker",
    .summary = "carries out one run for `ablate run`, which speaks with it over pipes",
    .example = "ablate run experiments/demo.yaml",
    .hidden = true,
    .run = run,
};
