// verb_check.c: `ablate check [SLOT/NAME]...`: conformance of every registered component, plug-ins included.
#include <stdlib.h>
#include <string.h>

#include "check/conformance.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/verb.h"
#include "registry/registry.h"
#include "report/layout.h"

static const struct column columns[] = {
    {.name = "component"}, {.name = "property"}, {.name = "verdict"}, {.name = "setting"}, {.name = "seen"},
};
enum { INDENT = 4 };
enum { COMPONENT, PROPERTY, VERDICT, SETTING, SEEN };

static const char *const verdict_names[] = {[CONFORMS] = "holds", [FAILS] = "FAILS", [NOT_TRIED] = "not tried"};

struct sheet {
    struct table table;
    bool live; // a person watches: a line or more for each component, as it goes
    struct flow flow;
    int held, failed;
    int heard; // of one component
};

static void report(void *context, const struct component *component, const struct finding *finding)
{
    struct sheet *sheet = context;
    sheet->heard += finding->verdict != NOT_TRIED;
    sheet->held += finding->verdict == CONFORMS;
    sheet->failed += finding->verdict == FAILS;
    table_row(&sheet->table);
    table_cell(&sheet->table, COMPONENT, "%s/%s", slot_facts[component->slot].name, component->name);
    table_cell(&sheet->table, PROPERTY, "%s", finding->property);
    table_cell(&sheet->table, VERDICT, "%s", verdict_names[finding->verdict]);
    table_cell(&sheet->table, SETTING, "%s", finding->setting ? finding->setting : "");
    table_cell(&sheet->table, SEEN, "%s", finding->seen ? finding->seen : "");
    if (sheet->live && finding->verdict == FAILS) {
        flow_end(&sheet->flow);
        terminal_print(stdout, "  %s fails with %s: %s", finding->property, finding->setting, finding->seen);
        terminal_print(stdout, "  (%s)", finding->reason);
    } else if (sheet->live && finding->verdict == CONFORMS) {
        if (sheet->flow.column == 0) // behind a failure
            sheet->flow.column = printf("%*s", INDENT, "");
        flow_add(&sheet->flow, " ", finding->property);
    }
}

// "ffn/swiglu", or "ffn" for all of a slot.
static bool wanted(const struct component *component, const struct request *request)
{
    char name[128];
    snprintf(name, sizeof name, "%s/%s", slot_facts[component->slot].name, component->name);
    for (int i = 0; i < request->word_count; i++)
        if (!strcmp(request->words[i], name) || !strcmp(request->words[i], slot_facts[component->slot].name))
            return true;
    return request->word_count == 0;
}

static bool words_exist(const struct request *request, struct error *error)
{
    for (int i = 0; i < request->word_count; i++) {
        char slot_name[64];
        const char *slash = strchr(request->words[i], '/');
        snprintf(slot_name, sizeof slot_name, "%.*s", slash ? (int)(slash - request->words[i]) : 63, request->words[i]);
        enum slot slot = slot_find(slot_name, error);
        if (slot == SLOT_COUNT || (slash && !registry_find(slot, slash + 1, error)))
            return false;
    }
    return true;
}

static bool run(const struct request *request, struct error *error)
{
    struct sheet sheet = {
        .live = request->format == OUTPUT_TEXT,
        .flow = {.file = stdout, .width = terminal_columns(stdout, TERMINAL_USUAL), .indent = INDENT},
    };
    if (!words_exist(request, error))
        return false;
    table_open(&sheet.table, columns, sizeof columns / sizeof *columns);
    for (const struct component *const *list = registry_list(); *list; list++) {
        if (!wanted(*list, request))
            continue;
        if (sheet.live)
            sheet.flow.column = printf("%s/%s:", slot_facts[(*list)->slot].name, (*list)->name);
        sheet.heard = 0;
        conformance_check(*list, request->arena, report, &sheet);
        if (sheet.live && !sheet.heard)
            flow_add(&sheet.flow, " ", "nothing to hold it to");
        if (sheet.live && sheet.flow.column)
            flow_end(&sheet.flow);
        fflush(stdout);
    }
    if (sheet.live)
        printf("%d propert%s, %d fail%s\n", sheet.held, sheet.held == 1 ? "y holds" : "ies hold", sheet.failed,
               sheet.failed == 1 ? "s" : "");
    else
        table_print(&sheet.table, request->format, stdout);
    table_close(&sheet.table);
    if (sheet.held + sheet.failed == 0)
        return error_request(error, "nothing was checked: no property is known for what was named");
    return !sheet.failed ||
           error_add(error, sheet.failed == 1 ? "%d property does not hold" : "%d properties do not hold", sheet.failed);
}

const struct verb verb_check = {
    .name = "check",
    .summary = "conformance: gradients, causality, determinism, limits, cost",
    .words_help = "[SLOT[/NAME]...]",
    .words_max = -1,
    .example = "ablate check ffn/swiglu",
    .tables = true,
    .run = run,
};
