// provenance.c: asks the processor, the system and the product library who they are.
#include "sweep/provenance.h"

#include <cpuid.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "tensor/gemm.h"

struct facts {
    struct arena *arena;
    struct fact *list;
    int count;
};
enum { FACTS_MAX = 64 };

static void add(struct facts *facts, const char *name, const char *value)
{
    if (facts->count < FACTS_MAX)
        facts->list[facts->count++] = (struct fact){name, value};
}

// The processor's own name for itself: leaves 0x80000002 to 0x80000004 are its 48 letters.
static const char *processor_name(struct arena *arena)
{
    unsigned letters[13] = {0};
    if (__get_cpuid_max(0x80000000, NULL) < 0x80000004)
        return "unknown";
    for (unsigned leaf = 0; leaf < 3; leaf++) {
        unsigned *four = letters + 4 * leaf;
        __get_cpuid(0x80000002 + leaf, &four[0], &four[1], &four[2], &four[3]);
    }
    const char *name = (const char *)letters;
    return arena_copy_text(arena, name + strspn(name, " "));
}

// The vector sets that may decide which instructions a library picks.
static const char *instruction_sets(struct arena *arena)
{
    struct text sets = {0};
    __builtin_cpu_init();
#define SET(name) __builtin_cpu_supports(name) ? " " name : ""
    text_add(&sets, "%s%s%s%s%s%s%s", SET("avx"), SET("avx2"), SET("fma"), SET("avx512f"), SET("avx512bw"), SET("avx512vnni"),
             SET("avx512bf16"));
#undef SET
    const char *kept = sets.length ? arena_copy_text(arena, sets.data + 1) : "none";
    text_free(&sets);
    return kept;
}

static void add_components(struct facts *facts, const struct run *run)
{
    for (int slot = 0; slot < SLOT_COUNT; slot++) {
        struct text versions = {0};
        for (int i = 0; i < run->slots[slot].count; i++) {
            const struct component *component = run->slots[slot].choices[i].component;
            if (component)
                text_add(&versions, "%s%s %d", versions.length ? ", " : "", component->name, component->version);
        }
        if (versions.length)
            add(facts, arena_format(facts->arena, "version.%s", slot_facts[slot].name),
                arena_copy_text(facts->arena, versions.data));
        text_free(&versions);
    }
}

const struct fact *provenance_gather(const struct run *run, int threads, struct arena *arena)
{
    struct facts facts = {arena, arena_allocate(arena, FACTS_MAX + 1, sizeof(struct fact)), 0};
    struct utsname system = {0};
    uname(&system);
    add(&facts, "commit", build_commit);
    add(&facts, "dirty", build_dirty ? "true" : "false");
    add(&facts, "compiler", "gcc " __VERSION__);
    add(&facts, "flags", build_flags);
    add(&facts, "cpu", processor_name(arena));
    add(&facts, "isa", instruction_sets(arena));
    add(&facts, "cores", arena_format(arena, "%ld", sysconf(_SC_NPROCESSORS_ONLN)));
    add(&facts, "system", arena_format(arena, "%s %s %s", system.sysname, system.release, system.machine));
    add(&facts, "blas", arena_copy_text(arena, gemm_backend()));
    add(&facts, "blas_version", arena_copy_text(arena, gemm_version()));
    add(&facts, "blas_core", arena_copy_text(arena, gemm_core()));
    add(&facts, "threads", arena_format(arena, "%d", threads));
    add(&facts, "lanes", arena_format(arena, "%lld", (long long)run->train.lanes));
    add_components(&facts, run);
    return facts.list;
}

const char *provenance_find(const struct fact *facts, const char *name)
{
    for (; facts && facts->name; facts++)
        if (!strcmp(facts->name, name))
            return facts->value;
    return "";
}
