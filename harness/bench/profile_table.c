// profile_table.c: see profile_table.h.
#include "bench/profile_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "bench/machine.h"

static struct profile_row *row_of(struct profile_table *table, const char *component, const char *op, const char *pass)
{
    for (int i = 0; i < table->count; i++) {
        struct profile_row *row = &table->rows[i];
        if (!strcmp(row->op, op) && !strcmp(row->component, component) && !strcmp(row->pass, pass))
            return row;
    }
    table->rows[table->count] = (struct profile_row){.component = component, .op = op, .pass = pass, .fraction = NAN};
    return &table->rows[table->count++];
}

static void add_calls(struct profile_table *table, const struct profile *profile, double threads)
{
    for (int lane = 0; lane < profile->lane_count; lane++)
        for (int64_t i = 0; i < profile->lanes[lane].count; i++) {
            const struct profile_call *call = &profile->lanes[lane].calls[i];
            const struct node *node = call->node;
            struct phase_cost cost = node_cost(profile->graph, node, call->phase, call->rows.end - call->rows.begin);
            struct profile_row *row =
                row_of(table, node->component ? node->component : "", node->op->name, phase_names[call->phase]);
            row->calls++;
            row->seconds += (call->end - call->begin) / threads;
            row->flops += cost.flops;
            row->product_flops += cost.product_flops;
            row->bytes += cost.bytes;
        }
}

static void add_parts(struct profile_table *table, const struct profile *profile)
{
    for (int64_t i = 0; i < profile->stretch_count; i++) {
        const struct profile_stretch *stretch = &profile->stretches[i];
        if (stretch->part == PROFILE_STEP) {
            table->step_seconds += stretch->end - stretch->begin;
            continue;
        }
        struct profile_row *row = row_of(table, "", profile_part_names[stretch->part], "");
        row->calls++;
        row->seconds += stretch->end - stretch->begin;
    }
}

static int by_time(const void *left, const void *right)
{
    const struct profile_row *a = left, *b = right;
    return (a->seconds < b->seconds) - (a->seconds > b->seconds);
}

static void average(struct profile_table *table)
{
    double steps = (double)table->steps, rest = table->step_seconds;
    for (int i = 0; i < table->count; i++)
        rest -= table->rows[i].seconds;
    qsort(table->rows, (size_t)table->count, sizeof *table->rows, by_time);
    row_of(table, "", "waiting and other", "")->seconds = rest;
    for (int i = 0; i < table->count; i++) {
        struct profile_row *row = &table->rows[i];
        row->share = row->seconds / table->step_seconds;
        row->calls /= steps;
        row->seconds /= steps;
        row->flops /= steps;
        row->product_flops /= steps;
        row->bytes /= steps;
    }
    table->step_seconds /= steps;
}

bool profile_table_open(struct profile_table *table, const struct profile *profile, struct team *team, struct error *error)
{
    double bytes_per_s;
    *table = (struct profile_table){.steps = profile->steps};
    if (profile->steps == 0)
        return error_request(error, "%s",
                             profile->full ? "a step has more kernel calls than a profile holds; lower train.batch"
                                           : "nothing was profiled: the run ended within its first steps");
    if (!machine_triad_bytes_per_s(team, &bytes_per_s, error))
        return false;
    double flops_per_s = machine_fma_flops_per_s(team);
    int rows = profile->graph->node_count * PHASE_COUNT + PROFILE_PART_COUNT + 1;
    table->rows = memory_allocate((size_t)rows, sizeof *table->rows);
    add_calls(table, profile, team_size(team));
    add_parts(table, profile);
    average(table);
    for (int i = 0; i < table->count; i++) {
        struct profile_row *row = &table->rows[i];
        if (row->product_flops > 0)
            row->fraction = row->flops / row->seconds / flops_per_s;
        else if (row->bytes > 0)
            row->fraction = row->bytes / row->seconds / bytes_per_s;
    }
    return true;
}

void profile_table_close(struct profile_table *table)
{
    free(table->rows);
    *table = (struct profile_table){0};
}
