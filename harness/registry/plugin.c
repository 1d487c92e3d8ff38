// plugin.c: components from shared objects outside the tree.
//
// A plug-in is a component file compiled as <name>.so. Refused before anything of it is read: no such file, another ABI number
// (component.h). Then its one descriptor, <slot>_<name>, must be there and keep the contract. Called by main for --plugin.
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry/registry.h"

// "/home/me/softplus.so" -> "softplus"; false where that is no name.
static bool base_name(const char *path, char *name, size_t size)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    size_t length = strlen(base);
    if (length <= 3 || strcmp(base + length - 3, ".so") != 0 || length - 3 >= size)
        return false;
    memcpy(name, base, length - 3);
    name[length - 3] = '\0';
    return true;
}

// The loader maps what the headers claim and is killed where the file ends before that: every segment, and the table of
// sections at the file's end, must lie in it.
static bool is_whole(int file, uint64_t size)
{
    Elf64_Ehdr head;
    if (pread(file, &head, sizeof head, 0) != (ssize_t)sizeof head || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
        head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_phentsize != sizeof(Elf64_Phdr))
        return false;
    uint64_t sections = (uint64_t)head.e_shnum * head.e_shentsize;
    if (head.e_phoff > size || head.e_shoff > size || sections > size - head.e_shoff)
        return false;
    for (uint64_t i = 0; i < head.e_phnum; i++) {
        Elf64_Phdr segment;
        off_t place = (off_t)(head.e_phoff + i * sizeof segment);
        if (pread(file, &segment, sizeof segment, place) != (ssize_t)sizeof segment || segment.p_offset > size ||
            segment.p_filesz > size - segment.p_offset)
            return false;
    }
    return true;
}

static bool check_whole(const char *path, const char *full, uint64_t size, struct error *error)
{
    int file = open(full, O_RDONLY | O_CLOEXEC);
    bool whole = file >= 0 && is_whole(file, size);
    if (file >= 0)
        close(file);
    return whole || error_request(error, "%s: not a shared object, or cut off; compile it again", path);
}

static const struct component *find_descriptor(void *handle, const char *name, const char *path, struct error *error)
{
    char symbol[256];
    for (int slot = 0; slot < SLOT_COUNT; slot++) {
        snprintf(symbol, sizeof symbol, "%s_%s", slot_facts[slot].name, name);
        const struct component *component = dlsym(handle, symbol);
        if (!component)
            continue;
        if ((int)component->slot != slot) {
            error_request(error, "%s: %s says that it fills another slot; set .slot as the symbol's name has it", path, symbol);
            return NULL;
        }
        if (!component->name || strcmp(component->name, name) != 0) {
            error_request(error, "%s: %s calls itself \"%s\"; its name must be that of the file, \"%s\"", path, symbol,
                          component->name ? component->name : "", name);
            return NULL;
        }
        return component;
    }
    error_request(error, "%s: it defines no component; one named <slot>_%s is needed, such as ffn_%s", path, name, name);
    return NULL;
}

bool registry_load_plugin(const char *path, struct error *error)
{
    char name[128], full[PATH_MAX];
    struct stat status;
    if (!realpath(path, full) || stat(full, &status) || !S_ISREG(status.st_mode))
        return error_request(error, "%s: no such plug-in file", path);
    if (!base_name(path, name, sizeof name))
        return error_request(error, "%s: a plug-in's file is named after its component, as softplus.so", path);
    if (!check_whole(path, full, (uint64_t)status.st_size, error))
        return false;
    void *handle = dlopen(full, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return error_request(error, "%s: it cannot be loaded: %s", path, dlerror());
    const int *abi = dlsym(handle, "ablate_component_abi");
    const struct component *component = NULL;
    if (!abi)
        error_request(error, "%s: not a plug-in of ablate; compile a component file that includes registry/component.h", path);
    else if (*abi != COMPONENT_ABI)
        error_request(error, "%s: made for component ABI %d, this program has %d; compile it again", path, *abi, COMPONENT_ABI);
    else
        component = find_descriptor(handle, name, path, error);
    struct error trouble = {0};
    if (component && !registry_add(component, &trouble)) {
        char lead[PATH_MAX + 2];
        snprintf(lead, sizeof lead, "%s: ", path);
        error_carry(error, lead, &trouble);
        component = NULL;
    }
    if (!component) {
        dlclose(handle);
        return false;
    }
    return true;
}
