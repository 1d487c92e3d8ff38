// trace.c: complete events ("ph": "X"), times in microseconds from the first step's begin.
//
// https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU is the format.
#include "bench/trace.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"

static void add_event(struct text *text, const char *name, int thread, double begin, double end, json_t *arguments)
{
    json_t *event = json_pack("{s:s, s:s, s:i, s:i, s:f, s:f, s:o}", "name", name, "ph", "X", "pid", 0, "tid", thread, "ts",
                              1e6 * begin, "dur", 1e6 * (end - begin), "args", arguments);
    char *line = json_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(12));
    text_add(text, "%s%s", text->length > 1 ? ",\n" : "\n", line);
    free(line);
    json_decref(event);
}

static void add_calls(struct text *text, const struct profile *profile, int lane, double origin)
{
    for (int64_t i = 0; i < profile->lanes[lane].count; i++) {
        const struct profile_call *call = &profile->lanes[lane].calls[i];
        const struct node *node = call->node;
        int64_t rows = call->rows.end - call->rows.begin;
        json_t *arguments = json_pack("{s:s, s:i, s:I, s:s, s:f}", "component", node->component ? node->component : "", "layer",
                                      node->layer, "rows", (json_int_t)rows, "pass", phase_names[call->phase], "flops",
                                      node_cost(profile->graph, node, call->phase, rows).flops);
        add_event(text, node->op->name, 1 + lane, call->begin - origin, call->end - origin, arguments);
    }
}

bool trace_write(const char *path, const struct profile *profile, struct error *error)
{
    struct text text = {0};
    double origin = INFINITY;
    for (int64_t i = 0; i < profile->stretch_count; i++)
        origin = profile->stretches[i].begin < origin ? profile->stretches[i].begin : origin;
    text_add(&text, "[");
    for (int64_t i = 0; i < profile->stretch_count; i++) {
        const struct profile_stretch *stretch = &profile->stretches[i];
        add_event(&text, profile_part_names[stretch->part], 0, stretch->begin - origin, stretch->end - origin, json_object());
    }
    for (int lane = 0; lane < profile->lane_count; lane++)
        add_calls(&text, profile, lane, origin);
    text_add(&text, "\n]\n");
    const char *slash = strrchr(path, '/');
    char *folder = memory_copy_text(path);
    folder[slash ? slash - path : 0] = '\0';
    bool done = (!*folder || folder_create(folder, error)) && file_replace(path, text.data, text.length, error);
    free(folder);
    text_free(&text);
    return done;
}
