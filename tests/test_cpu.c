// test_cpu.c: a program carried to an older machine says so instead of dying of an illegal instruction.
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"

// These tests run here, so what they were built for is here.
Test(cpu, the_machine_that_built_the_program_passes)
{
    struct error error = {0};
    cr_expect(cpu_check(cpu_built_for, cpu_features(), &error), "%s", error.text);
    cr_expect(error.count == 0);
}

// One line, with the instructions that are missing and no others, and what to do.
Test(cpu, what_is_missing_is_named)
{
    struct error error = {0};
    cr_expect(!cpu_check(CPU_AVX2 | CPU_FMA | CPU_AVX512BF16, CPU_AVX | CPU_AVX2, &error));
    cr_expect(error.count == 1 && strstr(error.text, "lacks: fma avx512bf16;") && strstr(error.text, "make clean all"), "%s",
              error.text);
    error = (struct error){0};
    cr_expect(cpu_check(0, 0, &error));
}

// All features at once still fit the line.
Test(cpu, everything_may_be_missing)
{
    struct error error = {0};
    cr_expect(!cpu_check(UINT32_MAX, 0, &error));
    cr_expect(strstr(error.text, "sse4.2") && strstr(error.text, "avx512ifma;"), "%s", error.text);
}

// The environment can only lower what the CPU offers: each name below it is taken, in our words and in oneDNN's.
Test(cpu, the_environment_lowers_the_instruction_set)
{
    unsetenv("ABLATE_MAX_ISA");
    unsetenv("ONEDNN_MAX_CPU_ISA");
    enum cpu_isa most = cpu_isa();
    for (enum cpu_isa isa = CPU_ISA_BASE; isa < CPU_ISA_COUNT; isa++) {
        enum cpu_isa wanted = isa < most ? isa : most;
        setenv("ABLATE_MAX_ISA", cpu_isa_name(isa), 1);
        cr_expect(cpu_isa() == wanted, "%s gives %s", cpu_isa_name(isa), cpu_isa_name(cpu_isa()));
        unsetenv("ABLATE_MAX_ISA");
        setenv("ONEDNN_MAX_CPU_ISA", cpu_isa_onednn_name(isa), 1);
        cr_expect(cpu_isa() == wanted, "%s gives %s", cpu_isa_onednn_name(isa), cpu_isa_name(cpu_isa()));
        unsetenv("ONEDNN_MAX_CPU_ISA");
    }
}

// A slip of the pen would otherwise measure the CPU's own way under an older one's name.
Test(cpu, an_unknown_instruction_set_is_refused_by_name)
{
    struct error error = {0};
    setenv("ABLATE_MAX_ISA", "avx3", 1);
    cr_expect(!cpu_isa_check(&error) && error.is_request);
    cr_expect(strstr(error.text, "\"avx3\"; it takes base, avx2, avx512, avx512_bf16, amx"), "%s", error.text);
    error = (struct error){0};
    setenv("ABLATE_MAX_ISA", "AVX2", 1);
    cr_expect(cpu_isa_check(&error), "%s", error.text);
    unsetenv("ABLATE_MAX_ISA");
    cr_expect(cpu_isa_check(&error), "%s", error.text);
}
