// cpu.h: whether this CPU has the instructions that the program was built for, and which more the fast products may use.
//
// A program built with -march=native and carried to an older machine would end in "Illegal instruction". cpu.c, error.c and
// main.c are compiled for any x86-64, so that main can say it in words, before anything else runs.
#ifndef BASE_CPU_H
#define BASE_CPU_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

// One bit for each set of instructions that gcc may have used.
enum cpu_feature {
    CPU_SSE4_2 = 1 << 0,
    CPU_AVX = 1 << 1,
    CPU_AVX2 = 1 << 2,
    CPU_FMA = 1 << 3,
    CPU_BMI = 1 << 4,
    CPU_BMI2 = 1 << 5,
    CPU_AVX512F = 1 << 6,
    CPU_AVX512BW = 1 << 7,
    CPU_AVX512DQ = 1 << 8,
    CPU_AVX512VL = 1 << 9,
    CPU_AVX512VNNI = 1 << 10,
    CPU_AVX512BF16 = 1 << 11,
    CPU_AVX512VBMI = 1 << 12,
    CPU_AVX512IFMA = 1 << 13,
};
extern const uint32_t cpu_built_for; // of the flags that the other files were compiled with

// What fast products are written for, each holding all before it. Chosen at run time, whatever the other files were built for.
enum cpu_isa { CPU_ISA_BASE, CPU_ISA_AVX2, CPU_ISA_AVX512, CPU_ISA_AVX512_BF16, CPU_ISA_AMX, CPU_ISA_COUNT };
// The most that this CPU and its system offer and that the environment allows: ABLATE_MAX_ISA names one of the sets below, so
// that a test or a user can take the way of an older machine; ONEDNN_MAX_CPU_ISA, in oneDNN's words, counts too.
enum cpu_isa cpu_isa(void);
// Refuses what ABLATE_MAX_ISA names where it is none of them. Without this check cpu_isa goes by the CPU alone.
bool cpu_isa_check(struct error *error);
// "avx2"; what ABLATE_MAX_ISA takes, and what is recorded with a run.
const char *cpu_isa_name(enum cpu_isa isa);
// The same set in the words of ONEDNN_MAX_CPU_ISA.
const char *cpu_isa_onednn_name(enum cpu_isa isa);

// The features that this CPU has.
uint32_t cpu_features(void);
// The cores that this process may use, at least 1.
int cpu_cores(void);
// Refuses, by name, when any of `needed` is not among `present`.
bool cpu_check(uint32_t needed, uint32_t present, struct error *error);

#endif
