// test_faults.c: the n-th allocation, write, sync or rename fails, in the runner or in its workers, for one n after the other.
//
// After each, the same command undisturbed must end with the database of a sweep that nothing ever disturbed, and no process
// may have crashed. By default n grows by a quarter each time, so that the loop takes seconds; FAULTS=1 tries every n until
// none fails, FAULTS=20 every twentieth.
#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fixture_program.h"

#ifndef __SANITIZE_ADDRESS__ // which brings an allocator of its own

static const char *const run_tiny[] = {"run", "tiny.yaml", "--no-report", NULL};
static char library[PATH_MAX];
static char *want;

static void open_folder(void)
{
    cr_assert_not_null(realpath(FAULTS_LIBRARY, library), "%s is not there; make builds it", FAULTS_LIBRARY);
    program_folder_open(50, 1);
    program_write_experiment(50, 1, "  ffn: {values: [gelu, relu]}\n");
    cr_assert_eq(program_run((const char *const[]){"run", "tiny.yaml", "--no-report", "--db", "calm/ablate.db", NULL}), 0, "%s",
                 program_output());
    want = program_content("calm/ablate.db", NULL);
}

static void close_folder(void)
{
    free(want);
    program_folder_close();
}

// Runs with one fault; false when there were not that many calls.
static bool run_with_fault(const char *call, const char *role, long n)
{
    char variables[5][PATH_MAX + 32];
    snprintf(variables[0], sizeof *variables, "FAULT_CALL=%s", call);
    snprintf(variables[1], sizeof *variables, "FAULT_ROLE=%s", role);
    snprintf(variables[2], sizeof *variables, "FAULT_NUMBER=%ld", n);
    snprintf(variables[3], sizeof *variables, "FAULT_MARK=fault.mark");
    snprintf(variables[4], sizeof *variables, "LD_PRELOAD=%s", library);
    const char *const environment[] = {variables[0], variables[1], variables[2], variables[3], variables[4], NULL};
    unlink("fault.mark");
    int status = program_wait(program_start(run_tiny, environment));
    char *output = program_output();
    bool faulted = access("fault.mark", F_OK) == 0;
    cr_assert_lt(status, 3, "%s %ld of the %s: status %d: %s", call, n, role, status, output);
    // A worker out of memory or with a full disk ends by itself; a signal would be a crash of ours.
    cr_assert_null(strstr(output, "ended by signal"), "%s %ld of the %s: %s", call, n, role, output);
    free(output);
    return faulted;
}

static void loop(const char *call, const char *role)
{
    const char *every = getenv("FAULTS");
    long stride = every ? atol(every) : 0, tried = 0;
    bool faulted = true;
    for (long n = 1; faulted; n += stride > 0 ? stride : 1 + n / 4, tried++) {
        cr_assert_eq(system("rm -rf results"), 0);
        faulted = run_with_fault(call, role, n);
        int status = program_run(run_tiny);
        char *output = program_output();
        cr_assert_eq(status, 0, "after %s %ld of the %s: %s", call, n, role, output);
        char what[80];
        snprintf(what, sizeof what, "after %s %ld of the %s", call, n, role);
        char *got = program_content("results/ablate.db", NULL);
        program_expect_same(got, want, what);
        free(got);
        free(output);
    }
    cr_assert_gt(tried, 1, "no %s of the %s was ever made to fail", call, role);
}

Test(faults, allocations_of_the_runner, .init = open_folder, .fini = close_folder) { loop("allocate", "runner"); }
Test(faults, allocations_of_a_worker, .init = open_folder, .fini = close_folder) { loop("allocate", "worker"); }
Test(faults, writes_of_the_runner, .init = open_folder, .fini = close_folder) { loop("write", "runner"); }
Test(faults, writes_of_a_worker, .init = open_folder, .fini = close_folder) { loop("write", "worker"); }
Test(faults, syncs_of_the_runner, .init = open_folder, .fini = close_folder) { loop("sync", "runner"); }
Test(faults, syncs_of_a_worker, .init = open_folder, .fini = close_folder) { loop("sync", "worker"); }
Test(faults, renames_of_a_worker, .init = open_folder, .fini = close_folder) { loop("rename", "worker"); }
#endif
