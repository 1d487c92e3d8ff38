// provenance.c: collects what made a run. Facts that this machine does not tell are "unknown", never left out.
#include "store/provenance.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "tensor/gemm.h"

extern const char made_commit[], made_flags[]; // written by make

enum { FACTS_MAX = 64 };

struct facts {
    struct fact *list; // [FACTS_MAX + 1]
    int count;
    struct arena *arena;
};

static void add(struct facts *facts, const char *name, const char *value)
{
    if (facts->count < FACTS_MAX)
        facts->list[facts->count++] = (struct fact){name, value && *value ? value : "unknown"};
}

static void add_number(struct facts *facts, const char *name, int64_t value)
{
    add(facts, name, arena_format(facts->arena, "%lld", (long long)value));
}

// The text behind "name<blanks>: " on its first line in a file of /proc; NULL when there is none.
static const char *proc_line(const char *path, const char *name, struct arena *arena)
{
    char line[8192];
    const char *found = NULL;
    size_t length = strlen(name);
    FILE *file = fopen(path, "re");
    while (file && !found && fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        if (!colon || strncmp(line, name, length) != 0 || line[length + strspn(line + length, " \t")] != ':')
            continue;
        colon += 1 + strspn(colon + 1, " \t");
        colon[strcspn(colon, "\n")] = '\0';
        found = arena_copy_text(arena, colon);
    }
    if (file)
        fclose(file);
    return found;
}

// The flags that decide which kernels a library picks, of the hundred that a processor lists.
static const char *vector_flags(struct arena *arena)
{
    static const char *const prefixes[] = {"sse4", "avx", "fma", "f16c", "amx", "asimd", "sve", "bf16", "neon", NULL};
    struct text text = {0};
    const char *flags = proc_line("/proc/cpuinfo", "flags", arena);
    flags = flags ? flags : proc_line("/proc/cpuinfo", "Features", arena);
    text_add(&text, "%s", "");
    while (flags && *flags) {
        size_t length = strcspn(flags, " ");
        for (const char *const *prefix = prefixes; *prefix; prefix++)
            if (!strncmp(flags, *prefix, strlen(*prefix)))
                text_add(&text, "%s%.*s", text.length ? " " : "", (int)length, flags);
        flags += length + strspn(flags + length, " ");
    }
    return text_keep(&text, arena);
}

static void add_program(struct facts *facts)
{
    add(facts, "commit", made_commit);
#ifdef __clang__
    add(facts, "compiler", "clang " __clang_version__);
#else
    add(facts, "compiler", "gcc " __VERSION__);
#endif
    add(facts, "flags", made_flags);
}

static void add_machine(struct facts *facts)
{
    struct utsname system;
    cpu_set_t usable;
    add(facts, "cpu", proc_line("/proc/cpuinfo", "model name", facts->arena));
    add(facts, "isa", vector_flags(facts->arena));
    if (sched_getaffinity(0, sizeof usable, &usable) == 0)
        add_number(facts, "cpus", CPU_COUNT(&usable));
    else
        add(facts, "cpus", NULL);
    add(facts, "memory", proc_line("/proc/meminfo", "MemTotal", facts->arena));
    add(facts, "kernel",
        uname(&system) == 0 ? arena_format(facts->arena, "%s %s %s", system.sysname, system.release, system.machine) : NULL);
}

static void add_products(struct facts *facts, const struct run *run)
{
    struct gemm_way way = run_gemm_way(run);
    add(facts, "products", gemm_way_name(way));
    add(facts, "products_isa", gemm_isa(way));
    if (way.library == GEMM_OPENBLAS) {
        add(facts, "openblas_version", gemm_version(GEMM_OPENBLAS));
        add(facts, "openblas_core", gemm_core());
    } else {
        add(facts, "onednn_version", gemm_version(GEMM_ONEDNN));
    }
}

// Each slot's component once per choice: "attention/sliding" is version 1.
static void add_components(struct facts *facts, const struct run *run)
{
    for (int slot = 0; slot < SLOT_COUNT; slot++) {
        struct text text = {0};
        for (int i = 0; i < run->slots[slot].count; i++) {
            const struct component *component = run->slots[slot].choices[i].component;
            if (component)
                text_add(&text, "%s%s %d", text.length ? ", " : "", component->name, component->version);
        }
        if (text.length)
            add(facts, arena_format(facts->arena, "component.%s", slot_facts[slot].name),
                arena_copy_text(facts->arena, text.data));
        text_free(&text);
    }
}

const struct fact *provenance_bench(const struct run *run, int threads, struct arena *arena)
{
    struct facts facts = {.list = arena_allocate(arena, FACTS_MAX + 1, sizeof(struct fact)), .arena = arena};
    add_program(&facts);
    add_machine(&facts);
    add_products(&facts, run);
    add_number(&facts, "threads", threads);
    return facts.list;
}

const struct fact *provenance_collect(const struct run *run, int threads, const char *data_hash, struct arena *arena)
{
    struct facts facts = {.list = arena_allocate(arena, FACTS_MAX + 1, sizeof(struct fact)), .arena = arena};
    add_program(&facts);
    add_machine(&facts);
    add_products(&facts, run);
    add_number(&facts, "threads", threads);
    add_number(&facts, "lanes", run->train.lanes);
    add(&facts, "data_hash", data_hash);
    if (run_source(run))
        add(&facts, "started_from", run_source(run));
    add_components(&facts, run);
    return facts.list;
}

const char *provenance_commit(void) { return made_commit; }
