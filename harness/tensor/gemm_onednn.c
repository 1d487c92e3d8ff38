// gemm_onednn.c: products in float and bfloat16 by oneDNN, opened at run time.
//
// A product has one primitive for each number of rows and for writing or adding. That of the most rows is made at planning and
// chooses the layout of packed weights, which all others keep. Primitives may run in several lanes at once: each has scratch
// and memory objects of its own. OpenMP is told to stay on the calling thread. A refusal where the header of oneDNN 2 is not
// there.
#include "tensor/gemm_backend.h"

#if __has_include(<oneapi/dnnl/dnnl.h>)
#include <oneapi/dnnl/dnnl.h>
#endif

#if defined DNNL_VERSION_MAJOR && DNNL_VERSION_MAJOR == 2

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/memory.h"
#include "tensor/lane.h"

enum { PRIMITIVES_MAX = 256 };
static const char *const libraries[] = {"/usr/lib/x86_64-linux-gnu/libdnnl.so.2", "/usr/lib/aarch64-linux-gnu/libdnnl.so.2"};
enum { LIBRARIES = sizeof libraries / sizeof *libraries };

// The functions of the library that are called, each named once.
#define CALLS(CALL)                                                                                                            \
    CALL(dnnl_version)                                                                                                         \
    CALL(dnnl_engine_create)                                                                                                   \
    CALL(dnnl_stream_create)                                                                                                   \
    CALL(dnnl_get_effective_cpu_isa)                                                                                           \
    CALL(dnnl_memory_desc_init_by_strides)                                                                                     \
    CALL(dnnl_memory_desc_init_by_tag)                                                                                         \
    CALL(dnnl_memory_desc_equal)                                                                                               \
    CALL(dnnl_memory_desc_get_size)                                                                                            \
    CALL(dnnl_matmul_desc_init)                                                                                                \
    CALL(dnnl_primitive_attr_create)                                                                                           \
    CALL(dnnl_primitive_attr_destroy)                                                                                          \
    CALL(dnnl_primitive_attr_set_scratchpad_mode)                                                                              \
    CALL(dnnl_primitive_attr_set_post_ops)                                                                                     \
    CALL(dnnl_post_ops_create)                                                                                                 \
    CALL(dnnl_post_ops_append_sum)                                                                                             \
    CALL(dnnl_post_ops_destroy)                                                                                                \
    CALL(dnnl_primitive_desc_create)                                                                                           \
    CALL(dnnl_primitive_desc_query_md)                                                                                         \
    CALL(dnnl_primitive_desc_destroy)                                                                                          \
    CALL(dnnl_reorder_primitive_desc_create)                                                                                   \
    CALL(dnnl_primitive_create)                                                                                                \
    CALL(dnnl_primitive_execute)                                                                                               \
    CALL(dnnl_primitive_destroy)                                                                                               \
    CALL(dnnl_memory_create)                                                                                                   \
    CALL(dnnl_memory_set_data_handle)                                                                                          \
    CALL(dnnl_memory_destroy)
struct calls {
#define CALL(name) __typeof__(name) *name;
    CALLS(CALL)
#undef CALL
};
static const struct {
    const char *name;
    size_t offset;
} symbols[] = {
#define CALL(name) {#name, offsetof(struct calls, name)},
    CALLS(CALL)
#undef CALL
};

// The opened library: process-wide, as its own state is. Written once, before any lane runs.
static struct {
    void *handle;
    struct calls calls;
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    char version[32];
} library;

// One lane's view of a primitive's operands.
enum { A, B, C, SCRATCH, OPERANDS };
struct memories {
    dnnl_memory_t of[OPERANDS];
};
struct primitive {
    int64_t rows;
    bool accumulate;
    dnnl_primitive_t code;
    dnnl_memory_desc_t descs[OPERANDS];
    struct memories lanes[LANES_MAX];
};
struct state {
    struct gemm_request request; // strides as stored
    bool packs;
    dnnl_memory_desc_t plain_weight, packed_weight;
    dnnl_primitive_t reorder;
    struct memories reorder_lanes[LANES_MAX]; // A: plain, B: packed
    size_t scratch;
    pthread_mutex_t mutex; // held while a primitive is added
    struct primitive *primitives[PRIMITIVES_MAX];
    atomic_int primitive_count;
};

bool gemm_onednn_installed(void)
{
    for (int i = 0; i < LIBRARIES; i++)
        if (access(libraries[i], R_OK) == 0)
            return true;
    return false;
}

const char *gemm_onednn_version(void) { return library.version; }

static bool open_library(struct error *error)
{
    if (library.handle)
        return true;
    setenv("OMP_NUM_THREADS", "1", 1);
    setenv("ONEDNN_MAX_CPU_ISA", cpu_isa_onednn_name(cpu_isa()), 0);
    void *handle = NULL;
    const char *trouble = NULL; // of the library that is there
    for (int i = 0; !handle && i < LIBRARIES; i++)
        if (access(libraries[i], R_OK) == 0 && !(handle = dlopen(libraries[i], RTLD_NOW | RTLD_LOCAL)))
            trouble = dlerror();
    if (trouble)
        return error_add(error, "oneDNN does not open: %s; set gemm=openblas", trouble);
    if (!handle)
        return error_request(error, "oneDNN is not installed; on Debian: apt-get install libdnnl2, or leave `gemm` at auto");
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        void *symbol = dlsym(handle, symbols[i].name);
        if (!symbol) {
            dlclose(handle);
            return error_add(error, "this oneDNN has no %s; version 2.6 is needed", symbols[i].name);
        }
        memcpy((char *)&library.calls + symbols[i].offset, &symbol, sizeof symbol);
    }
    if (library.calls.dnnl_engine_create(&library.engine, dnnl_cpu, 0) != dnnl_success ||
        library.calls.dnnl_stream_create(&library.stream, library.engine, dnnl_stream_default_flags) != dnnl_success) {
        dlclose(handle);
        return error_add(error, "oneDNN finds no CPU engine");
    }
    const dnnl_version_t *version = library.calls.dnnl_version();
    snprintf(library.version, sizeof library.version, "%d.%d.%d", version->major, version->minor, version->patch);
    library.handle = handle;
    return true;
}

// ---- Primitives -------------------------------------------------------------------------------------------------------------

static dnnl_data_type_t type_of(const struct gemm_request *request)
{
    return gemm_storage(request->way, request->real) == GEMM_STORAGE_REAL ? dnnl_f32 : dnnl_bf16;
}

// [rows, columns] as op() sees it; stored transposed where `transposed`.
static void plain_desc(dnnl_memory_desc_t *desc, int64_t rows, int64_t columns, bool transposed, int64_t stride,
                       dnnl_data_type_t type)
{
    const dnnl_dims_t dims = {rows, columns}, strides = {transposed ? 1 : stride, transposed ? stride : 1};
    if (library.calls.dnnl_memory_desc_init_by_strides(desc, 2, dims, type, strides) != dnnl_success)
        abort();
}

static bool make_code(struct primitive *primitive, bool any_weight)
{
    const struct calls *calls = &library.calls;
    dnnl_memory_desc_t *descs = primitive->descs;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_post_ops_t sum = NULL;
    dnnl_primitive_desc_t desc = NULL;
    dnnl_matmul_desc_t matmul;
    const dnnl_dims_t dims = {descs[B].dims[0], descs[B].dims[1]};
    bool done = calls->dnnl_primitive_attr_create(&attr) == dnnl_success &&
                calls->dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user) == dnnl_success;
    if (done && primitive->accumulate)
        done = calls->dnnl_post_ops_create(&sum) == dnnl_success && calls->dnnl_post_ops_append_sum(sum, 1) == dnnl_success &&
               calls->dnnl_primitive_attr_set_post_ops(attr, sum) == dnnl_success;
    if (done && any_weight)
        done = calls->dnnl_memory_desc_init_by_tag(&descs[B], 2, dims, descs[B].data_type, dnnl_format_tag_any) == dnnl_success;
    done = done && calls->dnnl_matmul_desc_init(&matmul, &descs[A], &descs[B], NULL, &descs[C]) == dnnl_success &&
           calls->dnnl_primitive_desc_create(&desc, &matmul, attr, library.engine, NULL) == dnnl_success &&
           calls->dnnl_primitive_create(&primitive->code, desc) == dnnl_success;
    if (done) {
        descs[B] = *calls->dnnl_primitive_desc_query_md(desc, dnnl_query_weights_md, 0);
        descs[SCRATCH] = *calls->dnnl_primitive_desc_query_md(desc, dnnl_query_scratchpad_md, 0);
    }
    if (desc)
        calls->dnnl_primitive_desc_destroy(desc);
    if (sum)
        calls->dnnl_post_ops_destroy(sum);
    if (attr)
        calls->dnnl_primitive_attr_destroy(attr);
    return done;
}

static struct primitive *primitive_open(const struct state *state, int64_t rows, bool accumulate, bool any_weight)
{
    const struct gemm_request *request = &state->request;
    const struct gemm *gemm = &request->gemm;
    int64_t m = request->rows_are_k ? gemm->m : rows, k = request->rows_are_k ? rows : gemm->k;
    struct primitive *primitive = memory_allocate(1, sizeof *primitive);
    primitive->rows = rows;
    primitive->accumulate = accumulate;
    plain_desc(&primitive->descs[A], m, k, gemm->transpose_a, gemm->lda, type_of(request));
    plain_desc(&primitive->descs[B], k, gemm->n, gemm->transpose_b, gemm->ldb, type_of(request));
    plain_desc(&primitive->descs[C], m, gemm->n, false, gemm->ldc, dnnl_f32);
    if (state->packs)
        primitive->descs[B] = state->packed_weight;
    if (make_code(primitive, any_weight))
        return primitive;
    free(primitive);
    return NULL;
}

static void memories_close(struct memories *memories)
{
    for (int i = 0; i < OPERANDS; i++)
        if (memories->of[i])
            library.calls.dnnl_memory_destroy(memories->of[i]);
}

static void primitive_close(struct primitive *primitive)
{
    if (!primitive)
        return;
    for (int i = 0; i < LANES_MAX; i++)
        memories_close(&primitive->lanes[i]);
    library.calls.dnnl_primitive_destroy(primitive->code);
    free(primitive);
}

static struct primitive *primitive_find(struct state *state, int64_t rows, bool accumulate)
{
    int count = atomic_load_explicit(&state->primitive_count, memory_order_acquire);
    for (int i = 0; i < count; i++)
        if (state->primitives[i]->rows == rows && state->primitives[i]->accumulate == accumulate)
            return state->primitives[i];
    return NULL;
}

// A number of rows that planning did not foresee. The library has no reason to refuse what it took at another size; a machine
// without memory for a few kilobytes of code ends here as it does in memory_allocate.
static struct primitive *primitive_of(struct state *state, int64_t rows, bool accumulate)
{
    struct primitive *primitive = primitive_find(state, rows, accumulate);
    if (primitive)
        return primitive;
    pthread_mutex_lock(&state->mutex);
    primitive = primitive_find(state, rows, accumulate);
    int count = atomic_load(&state->primitive_count);
    if (!primitive) {
        primitive = count < PRIMITIVES_MAX ? primitive_open(state, rows, accumulate, false) : NULL;
        if (!primitive || library.calls.dnnl_memory_desc_get_size(&primitive->descs[SCRATCH]) > state->scratch) {
            fprintf(stderr, "oneDNN has no product for %lld rows as it has for others; set gemm=openblas\n", (long long)rows);
            abort();
        }
        state->primitives[count] = primitive;
        atomic_store_explicit(&state->primitive_count, count + 1, memory_order_release);
    }
    pthread_mutex_unlock(&state->mutex);
    return primitive;
}

static dnnl_memory_t memory_at(dnnl_memory_t *memory, const dnnl_memory_desc_t *desc, void *data)
{
    if (!*memory && library.calls.dnnl_memory_create(memory, desc, library.engine, DNNL_MEMORY_NONE) != dnnl_success)
        abort();
    library.calls.dnnl_memory_set_data_handle(*memory, data);
    return *memory;
}

// ---- What gemm.c calls ------------------------------------------------------------------------------------------------------

static void product_close(void *context)
{
    struct state *state = context;
    for (int i = 0; i < atomic_load(&state->primitive_count); i++)
        primitive_close(state->primitives[i]);
    for (int i = 0; i < LANES_MAX; i++)
        memories_close(&state->reorder_lanes[i]);
    if (state->reorder)
        library.calls.dnnl_primitive_destroy(state->reorder);
    pthread_mutex_destroy(&state->mutex);
    free(state);
}

static bool open_reorder(struct state *state)
{
    dnnl_primitive_desc_t desc;
    if (library.calls.dnnl_reorder_primitive_desc_create(&desc, &state->plain_weight, library.engine, &state->packed_weight,
                                                         library.engine, NULL) != dnnl_success)
        return false;
    bool done = library.calls.dnnl_primitive_create(&state->reorder, desc) == dnnl_success;
    library.calls.dnnl_primitive_desc_destroy(desc);
    return done;
}

// The primitives of a full pass are made here, the others when they occur: fewer rows need no more scratch, but the library
// promises nothing, so there is some to spare.
static bool product_open(const struct gemm_request *request, void **result, struct error *error)
{
    enum { SPARE = 4096 };
    if (!library.handle)
        return error_add(error, "a product of oneDNN's before gemm_open");
    struct state *state = memory_allocate(1, sizeof *state);
    const struct gemm *gemm = &request->gemm;
    state->request = *request;
    pthread_mutex_init(&state->mutex, NULL);
    plain_desc(&state->plain_weight, gemm->k, gemm->n, gemm->transpose_b, gemm->ldb, type_of(request));
    int64_t most = request->rows_are_k ? gemm->k : gemm->m;
    struct primitive *first = primitive_open(state, most, false, request->b_is_weight);
    if (!first)
        goto refused;
    state->primitives[atomic_fetch_add(&state->primitive_count, 1)] = first;
    state->packed_weight = first->descs[B];
    state->packs = request->b_is_weight && !library.calls.dnnl_memory_desc_equal(&state->packed_weight, &state->plain_weight);
    if (state->packs && !open_reorder(state))
        goto refused;
    struct primitive *second = primitive_open(state, most, true, false);
    if (!second)
        goto refused;
    state->primitives[atomic_fetch_add(&state->primitive_count, 1)] = second;
    size_t writing = library.calls.dnnl_memory_desc_get_size(&first->descs[SCRATCH]),
           adding = library.calls.dnnl_memory_desc_get_size(&second->descs[SCRATCH]);
    state->scratch = size_align((writing > adding ? writing : adding) + SPARE);
    *result = state;
    return true;
refused:
    product_close(state);
    return error_add(error, "oneDNN takes no product of [%lld, %lld] and [%lld, %lld]; set gemm=openblas", (long long)gemm->m,
                     (long long)gemm->k, (long long)gemm->k, (long long)gemm->n);
}

static size_t pack_bytes(const void *context)
{
    const struct state *state = context;
    return state->packs ? library.calls.dnnl_memory_desc_get_size(&state->packed_weight) : 0;
}

static void pack(void *context, int lane, const void *plain, void *packed)
{
    struct state *state = context;
    struct memories *memories = &state->reorder_lanes[lane];
    const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, memory_at(&memories->of[A], &state->plain_weight, (void *)plain)},
                                         {DNNL_ARG_TO, memory_at(&memories->of[B], &state->packed_weight, packed)}};
    library.calls.dnnl_primitive_execute(state->reorder, library.stream, 2, arguments);
}

static size_t scratch(const void *context) { return ((const struct state *)context)->scratch; }

static void run(const struct gemm_request *request, void *context, int64_t rows, const struct gemm_call *call)
{
    (void)request;
    struct primitive *primitive = primitive_of(context, rows, call->accumulate);
    dnnl_memory_t *of = primitive->lanes[call->lane].of;
    const dnnl_memory_desc_t *descs = primitive->descs;
    const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, memory_at(&of[A], &descs[A], (void *)call->a)},
                                         {DNNL_ARG_WEIGHTS, memory_at(&of[B], &descs[B], (void *)call->b)},
                                         {DNNL_ARG_DST, memory_at(&of[C], &descs[C], call->c)},
                                         {DNNL_ARG_SCRATCHPAD, memory_at(&of[SCRATCH], &descs[SCRATCH], call->scratch)}};
    library.calls.dnnl_primitive_execute(primitive->code, library.stream, 4, arguments);
}

#else

static const char unknown[] =
    "this program was built without oneDNN; install libdnnl-dev and build it again, or leave `gemm` at auto";

bool gemm_onednn_installed(void) { return false; }
const char *gemm_onednn_version(void) { return ""; }
static bool open_library(struct error *error) { return error_request(error, "%s", unknown); }
static bool product_open(const struct gemm_request *request, void **state, struct error *error)
{
    (void)request, (void)state;
    return error_request(error, "%s", unknown);
}
static void product_close(void *context) { (void)context; }
static size_t pack_bytes(const void *context) { return (void)context, 0; }
static size_t scratch(const void *context) { return (void)context, 0; }
static void pack(void *context, int lane, const void *plain, void *packed)
{
    (void)context, (void)lane, (void)plain, (void)packed;
}
static void run(const struct gemm_request *request, void *context, int64_t rows, const struct gemm_call *call)
{
    (void)request, (void)context, (void)rows, (void)call;
}

#endif

const struct gemm_backend gemm_onednn = {
    .open = open_library,
    .product_open = product_open,
    .product_close = product_close,
    .pack_bytes = pack_bytes,
    .pack = pack,
    .scratch = scratch,
    .run = run,
};
