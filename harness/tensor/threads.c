// threads.c: a team on pthreads. Members wait a moment spinning, since steps follow closely, and then sleep.
#include "tensor/threads.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { SPINS = 4000 };

struct team {
    int size, started;
    pthread_t *threads;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    void (*work)(void *context, int member, int size);
    void *context;
    atomic_uint round;   // raised to start a round
    atomic_int running;  // members not yet done with it
    atomic_uint meeting; // raised when all have met
    atomic_int met;      // members that wait for that
    bool closing;
};

struct member {
    struct team *team;
    int number;
};

static void relax(void)
{
#ifdef __x86_64__
    __builtin_ia32_pause();
#endif
}

// Until `counter` is no longer what was seen.
static void wait_for_change(struct team *team, atomic_uint *counter, unsigned seen)
{
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(counter, memory_order_acquire) != seen)
            return;
        relax();
    }
    pthread_mutex_lock(&team->mutex);
    while (atomic_load(counter) == seen)
        pthread_cond_wait(&team->changed, &team->mutex);
    pthread_mutex_unlock(&team->mutex);
}

static void change(struct team *team, atomic_uint *counter)
{
    pthread_mutex_lock(&team->mutex);
    atomic_fetch_add_explicit(counter, 1, memory_order_release);
    pthread_cond_broadcast(&team->changed);
    pthread_mutex_unlock(&team->mutex);
}

static void *serve(void *argument)
{
    struct member *member = argument;
    struct team *team = member->team;
    int number = member->number;
    free(member);
    for (unsigned seen = 0;; seen++) {
        wait_for_change(team, &team->round, seen);
        if (team->closing)
            return NULL;
        team->work(team->context, number, team->size);
        if (atomic_fetch_sub_explicit(&team->running, 1, memory_order_acq_rel) == 1) {
            pthread_mutex_lock(&team->mutex);
            pthread_cond_broadcast(&team->changed);
            pthread_mutex_unlock(&team->mutex);
        }
    }
}

static void start_round(struct team *team)
{
    atomic_store(&team->running, team->started);
    change(team, &team->round);
}

bool team_open(struct team **result, int size, struct error *error)
{
    struct team *team = memory_allocate(1, sizeof *team);
    team->size = size < 1 ? 1 : size;
    team->threads = memory_allocate((size_t)team->size, sizeof *team->threads);
    pthread_mutex_init(&team->mutex, NULL);
    pthread_cond_init(&team->changed, NULL);
    for (int i = 1; i < team->size; i++) {
        struct member *member = memory_allocate(1, sizeof *member);
        *member = (struct member){team, i};
        if (pthread_create(&team->threads[i], NULL, serve, member)) {
            free(member);
            team_close(team);
            return error_add(error, "%d threads cannot be started here; use fewer --threads", size);
        }
        team->started++;
    }
    *result = team;
    return true;
}

void team_close(struct team *team)
{
    if (!team)
        return;
    team->closing = true;
    start_round(team);
    for (int i = 1; i <= team->started; i++)
        pthread_join(team->threads[i], NULL);
    pthread_mutex_destroy(&team->mutex);
    pthread_cond_destroy(&team->changed);
    free(team->threads);
    free(team);
}

int team_size(const struct team *team) { return team->size; }

void team_run(struct team *team, void (*work)(void *context, int member, int size), void *context)
{
    if (team->size == 1) {
        work(context, 0, 1);
        return;
    }
    team->work = work;
    team->context = context;
    start_round(team);
    work(context, 0, team->size);
    for (int i = 0; i < SPINS; i++) {
        if (!atomic_load_explicit(&team->running, memory_order_acquire))
            return;
        relax();
    }
    pthread_mutex_lock(&team->mutex);
    while (atomic_load(&team->running))
        pthread_cond_wait(&team->changed, &team->mutex);
    pthread_mutex_unlock(&team->mutex);
}

// The last to come counts anew before it lets the others go, so that they may meet again at once.
void team_meet(struct team *team)
{
    if (team->size == 1)
        return;
    unsigned seen = atomic_load_explicit(&team->meeting, memory_order_acquire);
    if (atomic_fetch_add_explicit(&team->met, 1, memory_order_acq_rel) + 1 < team->size) {
        wait_for_change(team, &team->meeting, seen);
        return;
    }
    atomic_store_explicit(&team->met, 0, memory_order_relaxed);
    change(team, &team->meeting);
}
