// run.c: the last weights of a finished run, which kept them (train.keep_weights); the optimizer starts afresh, at step 0.
//
// The source is a run by its id, or an arm of an experiment: then each run starts from that arm's run of its own seed, and its
// plan writes that run's id here, which alone is part of its identity. The tensors must be exactly those of the source, names
// and shapes; with what attention it was trained does not matter. Beltagy et al. 2020, arXiv 2004.05150, section 5 (pretraining
// continued from RoBERTa).
#include <string.h>

#include "registry/component.h"

enum { ID_LENGTH = 16 };

struct source {
    const char *id, *experiment, *arm;
};

static const struct option options[] = {
    {"id", OPTION_TEXT, offsetof(struct source, id), .fallback = "", .unit = "ID", .bare = true,
     .help = "the run to start from, as ablate runs shows it"},
    {"experiment", OPTION_TEXT, offsetof(struct source, experiment), .fallback = "", .unit = "NAME",
     .help = "instead of id: an experiment in the database, whose run of the same seed is taken"},
    {"arm", OPTION_TEXT, offsetof(struct source, arm), .fallback = "(base)", .unit = "NAME",
     .help = "which arm of that experiment"},
    {0},
};

static bool accepts(const void *self, const struct run *run, struct error *error)
{
    const struct source *source = self;
    (void)run;
    if (!*source->id == !*source->experiment)
        return error_request(error,
                             "init: run needs one finished run, run(ID), or run(experiment=NAME, arm=ARM) for the run of "
                             "the same seed. See: ablate runs");
    if (*source->id && (strlen(source->id) != ID_LENGTH || strspn(source->id, "0123456789abcdef") != ID_LENGTH))
        return error_request(error, "init: run(%.40s): the id of a run is %d digits from 0 to f. See: ablate runs", source->id,
                             ID_LENGTH);
    return true;
}

static const char *source(const void *self) { return ((const struct source *)self)->id; }

const struct component init_run = {
    .slot = SLOT_INIT,
    .name = "run",
    .version = 1,
    .summary = "the last weights of a finished run",
    .source = "arXiv 2004.05150, section 5",
    .options = options,
    .options_size = sizeof(struct source),
    .accepts = accepts,
    .init = {.source = source},
};
