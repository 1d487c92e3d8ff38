// cpu.c: asks the CPU for the instructions that cpu_built.c says the program needs, and for those that products can use.
//
// This file and what it calls (error.c) are compiled for any x86-64.
#include "base/cpu.h"

#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#ifdef __x86_64__
#include <cpuid.h>
#endif

static const struct {
    uint32_t feature;
    const char *name;
} names[] = {
    {CPU_SSE4_2, "sse4.2"},
    {CPU_AVX, "avx"},
    {CPU_AVX2, "avx2"},
    {CPU_FMA, "fma"},
    {CPU_BMI, "bmi"},
    {CPU_BMI2, "bmi2"},
    {CPU_AVX512F, "avx512f"},
    {CPU_AVX512BW, "avx512bw"},
    {CPU_AVX512DQ, "avx512dq"},
    {CPU_AVX512VL, "avx512vl"},
    {CPU_AVX512VNNI, "avx512vnni"},
    {CPU_AVX512BF16, "avx512bf16"},
    {CPU_AVX512VBMI, "avx512vbmi"},
    {CPU_AVX512IFMA, "avx512ifma"},
};

int cpu_cores(void)
{
    cpu_set_t cores;
    int count = sched_getaffinity(0, sizeof cores, &cores) ? (int)sysconf(_SC_NPROCESSORS_ONLN) : CPU_COUNT(&cores);
    return count > 0 ? count : 1;
}

uint32_t cpu_features(void)
{
    uint32_t present = 0;
    __builtin_cpu_init(); // its question takes a literal, so it cannot be put to the table
    present |= __builtin_cpu_supports("sse4.2") ? CPU_SSE4_2 : 0;
    present |= __builtin_cpu_supports("avx") ? CPU_AVX : 0;
    present |= __builtin_cpu_supports("avx2") ? CPU_AVX2 : 0;
    present |= __builtin_cpu_supports("fma") ? CPU_FMA : 0;
    present |= __builtin_cpu_supports("bmi") ? CPU_BMI : 0;
    present |= __builtin_cpu_supports("bmi2") ? CPU_BMI2 : 0;
    present |= __builtin_cpu_supports("avx512f") ? CPU_AVX512F : 0;
    present |= __builtin_cpu_supports("avx512bw") ? CPU_AVX512BW : 0;
    present |= __builtin_cpu_supports("avx512dq") ? CPU_AVX512DQ : 0;
    present |= __builtin_cpu_supports("avx512vl") ? CPU_AVX512VL : 0;
    present |= __builtin_cpu_supports("avx512vnni") ? CPU_AVX512VNNI : 0;
    present |= __builtin_cpu_supports("avx512bf16") ? CPU_AVX512BF16 : 0;
    present |= __builtin_cpu_supports("avx512vbmi") ? CPU_AVX512VBMI : 0;
    present |= __builtin_cpu_supports("avx512ifma") ? CPU_AVX512IFMA : 0;
    return present;
}

static const struct {
    const char *name, *onednn_name;
} isas[CPU_ISA_COUNT] = {
    [CPU_ISA_BASE] = {"base", "SSE41"},           [CPU_ISA_AVX2] = {"avx2", "AVX2"},
    [CPU_ISA_AVX512] = {"avx512", "AVX512_CORE"}, [CPU_ISA_AVX512_BF16] = {"avx512_bf16", "AVX512_CORE_BF16"},
    [CPU_ISA_AMX] = {"amx", "AVX512_CORE_AMX"},
};

const char *cpu_isa_name(enum cpu_isa isa) { return isas[isa].name; }
const char *cpu_isa_onednn_name(enum cpu_isa isa) { return isas[isa].onednn_name; }

// AMX needs the system too: it must save the tiles' state (bits 17 and 18 of XCR0).
static bool has_amx(void)
{
#ifdef __x86_64__
    enum { AMX_BF16 = 1 << 22, AMX_TILE = 1 << 24, OSXSAVE = 1 << 27, TILE_STATE = 3 << 17 };
    unsigned eax, ebx, ecx, edx, low, high;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & OSXSAVE) || !__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) ||
        (edx & (AMX_BF16 | AMX_TILE)) != (AMX_BF16 | AMX_TILE))
        return false;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & TILE_STATE) == TILE_STATE;
#else
    return false;
#endif
}

static enum cpu_isa offered(void)
{
    const uint32_t avx512 = CPU_AVX512F | CPU_AVX512BW | CPU_AVX512DQ | CPU_AVX512VL, present = cpu_features();
    if ((present & (CPU_AVX2 | CPU_FMA)) != (CPU_AVX2 | CPU_FMA))
        return CPU_ISA_BASE;
    if ((present & avx512) != avx512)
        return CPU_ISA_AVX2;
    if (!(present & CPU_AVX512BF16))
        return CPU_ISA_AVX512;
    return has_amx() ? CPU_ISA_AMX : CPU_ISA_AVX512_BF16;
}

enum cpu_isa cpu_isa(void)
{
    const char *ours = getenv("ABLATE_MAX_ISA"), *theirs = getenv("ONEDNN_MAX_CPU_ISA");
    enum cpu_isa most = offered();
    for (enum cpu_isa isa = CPU_ISA_BASE; isa < most; isa++)
        if ((ours && strcasecmp(ours, isas[isa].name) == 0) || (theirs && strcasecmp(theirs, isas[isa].onednn_name) == 0))
            return isa;
    return most;
}

bool cpu_isa_check(struct error *error)
{
    const char *ours = getenv("ABLATE_MAX_ISA");
    char taken[128] = "";
    int length = 0;
    for (enum cpu_isa isa = CPU_ISA_BASE; isa < CPU_ISA_COUNT; isa++) {
        if (!ours || strcasecmp(ours, isas[isa].name) == 0)
            return true;
        length += snprintf(taken + length, sizeof taken - (size_t)length, "%s%s", isa ? ", " : "", isas[isa].name);
    }
    return error_request(error, "ABLATE_MAX_ISA: no instruction set \"%s\"; it takes %s", ours, taken);
}

bool cpu_check(uint32_t needed, uint32_t present, struct error *error)
{
    char missing[256] = "";
    int length = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].feature & needed & ~present)
            length += snprintf(missing + length, sizeof missing - (size_t)length, " %s", names[i].name);
    if (length > 0)
        return error_add(
            error, "this program was built for a CPU with instructions that this one lacks:%s; build it here: make clean all",
            missing);
    return true;
}
