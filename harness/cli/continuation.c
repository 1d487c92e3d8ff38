// continuation.c: see continuation.h.
#include "cli/continuation.h"

#include "base/text.h"
#include "sweep/repeat.h"

const char *continuation_words(const struct request *request, struct store *store, const struct experiment_view *view)
{
    struct repeat repeat;
    struct text text = {0};
    if (!repeat_find(store, view, request->arena, &repeat))
        return NULL;
    text_add_word(&text, view->file);
    if (repeat.replicates > 0)
        text_add(&text, " --replicates %lld", (long long)repeat.replicates);
    text_add(&text, "%s", request_again(request, repeat.set));
    return text_keep(&text, request->arena);
}
