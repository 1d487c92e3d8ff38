// cpu.c: asks the CPU for the instructions that cpu_built.c says the program needs. Called by main.
//
// This file and what it calls (error.c) are compiled for any x86-64.
#include "base/cpu.h"

#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

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
