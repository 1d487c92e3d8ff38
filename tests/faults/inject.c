// inject.c: a library to preload: lets the n-th allocation, write, sync or rename of one kind of process fail, once.
//
// FAULT_CALL   allocate (malloc, calloc, realloc), write (write, pwrite), sync (fsync, fdatasync) or rename
// FAULT_NUMBER which call fails, counted from 1 in each process; 0: none
// FAULT_ROLE   worker, or runner for every other process
// FAULT_MARK   a file that is made when a call was let fail, so that the loop knows when it has seen them all
//
// Allocations count only when the program itself or SQLite asks, by the return address: what other libraries do without memory
// is theirs.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);

enum call { CALL_NONE, CALL_ALLOCATE, CALL_WRITE, CALL_SYNC, CALL_RENAME };
static const char *const call_names[] = {"", "allocate", "write", "sync", "rename"};

struct range {
    uintptr_t begin, end;
};
static struct range ours[2]; // the program, SQLite
static enum call chosen;
static long number;
static atomic_long calls;
static const char *mark;

static int find_ranges(struct dl_phdr_info *object, size_t size, void *context)
{
    (void)size, (void)context;
    bool is_sqlite = strstr(object->dlpi_name, "libsqlite3") != NULL, is_program = !object->dlpi_name[0];
    for (int i = 0; (is_sqlite || is_program) && i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || !(part->p_flags & PF_X))
            continue;
        uintptr_t begin = object->dlpi_addr + part->p_vaddr;
        ours[is_sqlite] = (struct range){begin, begin + part->p_memsz};
    }
    return 0;
}

static bool is_worker(void)
{
    char words[64] = {0};
    int file = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t got = file < 0 ? 0 : read(file, words, sizeof words - 1);
    if (file >= 0)
        close(file);
    const char *second = words + strlen(words) + 1;
    return got > 0 && second < words + got && !strcmp(second, "worker");
}

__attribute__((constructor)) static void arm(void)
{
    const char *call = getenv("FAULT_CALL"), *n = getenv("FAULT_NUMBER"), *role = getenv("FAULT_ROLE");
    if (!call || !n || !role || is_worker() != !strcmp(role, "worker"))
        return;
    dl_iterate_phdr(find_ranges, NULL);
    mark = getenv("FAULT_MARK");
    number = atol(n);
    for (int i = 1; i < (int)(sizeof call_names / sizeof *call_names); i++)
        if (!strcmp(call, call_names[i]))
            chosen = (enum call)i;
}

static bool fails(enum call call)
{
    if (call != chosen || atomic_fetch_add(&calls, 1) + 1 != number)
        return false;
    int file = mark ? open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0666) : -1;
    if (file >= 0)
        close(file);
    return true;
}

static bool is_ours(const void *caller)
{
    for (int i = 0; i < 2; i++)
        if ((uintptr_t)caller >= ours[i].begin && (uintptr_t)caller < ours[i].end)
            return true;
    return false;
}

static bool allocation_fails(const void *caller)
{
    if (chosen != CALL_ALLOCATE || !is_ours(caller) || !fails(CALL_ALLOCATE))
        return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size) { return allocation_fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size); }

void *calloc(size_t count, size_t size)
{
    return allocation_fails(__builtin_return_address(0)) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
    return allocation_fails(__builtin_return_address(0)) ? NULL : __libc_realloc(block, size);
}

void *reallocarray(void *block, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || allocation_fails(__builtin_return_address(0))) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_realloc(block, bytes);
}

static int fail_with(int trouble)
{
    errno = trouble;
    return -1;
}

ssize_t write(int file, const void *bytes, size_t count)
{
    return fails(CALL_WRITE) ? fail_with(ENOSPC) : syscall(SYS_write, file, bytes, count);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset)
{
    return fails(CALL_WRITE) ? fail_with(ENOSPC) : syscall(SYS_pwrite64, file, bytes, count, offset);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset)
{
    return fails(CALL_WRITE) ? fail_with(ENOSPC) : syscall(SYS_pwrite64, file, bytes, count, offset);
}

int fsync(int file) { return fails(CALL_SYNC) ? fail_with(EIO) : (int)syscall(SYS_fsync, file); }
int fdatasync(int file) { return fails(CALL_SYNC) ? fail_with(EIO) : (int)syscall(SYS_fdatasync, file); }

int rename(const char *from, const char *to)
{
    return fails(CALL_RENAME) ? fail_with(EIO) : (int)syscall(SYS_rename, from, to);
}
