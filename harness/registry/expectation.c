// expectation.c: "metric[arm] < metric[arm]", "metric[arm] < number" and "metric >= number". Refuses everything else; whether
// arm and metric exist is for who knows them.
#include "registry/expectation.h"

#include <math.h>
#include <string.h>

#include "base/text.h"
#include "registry/run.h"

const char relation_marks[] = {[RELATION_BELOW] = '<', [RELATION_ABOVE] = '>', [RELATION_ALIKE] = '~', '\0'};

const char *metric_as_told(const char *metric, struct arena *arena, struct error *error)
{
    const char *at = strchr(metric, '@');
    struct choice choice;
    struct text name = {0};
    if (!at)
        return metric;
    if (!choice_parse(SLOT_ATTENTION, at + 1, &choice, arena, error))
        return NULL;
    text_add(&name, "%.*s@", (int)(at - metric), metric);
    choice_print(SLOT_ATTENTION, &choice, &name);
    return text_keep(&name, arena);
}

static const char *skip_spaces(const char *text) { return text + strspn(text, " \t\n"); }

// The first `mark` of `text` outside inner parentheses and brackets: a metric may name an attention with options, an arm a list
// of them. NULL where there is none.
static const char *find_outside(const char *text, char mark)
{
    for (int depth = 0; *text; text++) {
        if (depth == 0 && *text == mark)
            return text;
        depth += *text == '(' || *text == '[';
        depth -= *text == ')' || *text == ']';
    }
    return NULL;
}

static bool parse_number(const char *text, struct measurement *side)
{
    *side = (struct measurement){0};
    return text_to_real(text, &side->number) && isfinite(side->number);
}

// The rest of the text, or NULL. An attention that is none leaves side->metric NULL, with a mistake.
static const char *parse_side(const char *text, struct arena *arena, struct measurement *side, struct error *error)
{
    const char *begin = skip_spaces(text), *open = find_outside(begin, '['), *close = open ? find_outside(open + 1, ']') : NULL;
    if (!close || open == begin || close == open + 1)
        return NULL;
    side->metric = metric_as_told(arena_format(arena, "%.*s", (int)(open - begin), begin), arena, error);
    side->arm = arena_format(arena, "%.*s", (int)(close - open - 1), open + 1);
    return skip_spaces(close + 1);
}

bool expectation_parse(const char *text, struct arena *arena, struct expectation *expectation, struct error *error)
{
    struct error trouble = {0};
    const char *rest = parse_side(text, arena, &expectation->left, &trouble);
    const char *mark = rest && *rest ? strchr(relation_marks, *rest) : NULL;
    const char *right = mark ? skip_spaces(rest + 1) : "";
    rest = parse_side(right, arena, &expectation->right, &trouble);
    if (trouble.count)
        return error_carry(error, "expect: ", &trouble);
    if ((!rest || *rest) && !parse_number(right, &expectation->right))
        return error_request(error,
                             "expect: \"%s\" is not of the form val_loss[ARM] < val_loss[ARM], with <, > or ~ (alike within "
                             "the margin), arms as tables name them, and perhaps a number on the right",
                             text);
    expectation->relation = (enum relation)(mark - relation_marks);
    return true;
}

bool requirement_parse(const char *text, struct arena *arena, struct requirement *requirement, struct error *error)
{
    const char *begin = skip_spaces(text), *mark = strstr(begin, ">=");
    size_t length = mark ? (size_t)(mark - begin) : 0;
    while (length > 0 && begin[length - 1] == ' ')
        length--;
    if (!length || !text_to_real(skip_spaces(mark + 2), &requirement->least) || !isfinite(requirement->least))
        return error_request(error, "requires: \"%s\" is not of the form val_accuracy >= 0.99", text);
    struct error trouble = {0};
    requirement->metric = metric_as_told(arena_format(arena, "%.*s", (int)length, begin), arena, &trouble);
    return requirement->metric || error_carry(error, "requires: ", &trouble);
}
