// continuation.h: the words behind `ablate run` under which stored runs are planned again and what they lack is run.
//
// Called by the verbs that suggest such a command for runs that they did not plan themselves: status, report.
#ifndef CLI_CONTINUATION_H
#define CLI_CONTINUATION_H

#include "cli/verb.h"
#include "store/view.h"

// "FILE --replicates N --db FILE --set KEY=VALUE", for a shell. NULL where no words do: the file is gone, or its arms are
// others by now.
const char *continuation_words(const struct request *request, struct store *store, const struct experiment_view *view);

#endif
