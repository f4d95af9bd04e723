#include "platform/worker.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { THREAD_NAME_SIZE = 16 }; /* what Linux keeps, with its NUL */

struct member {
    struct worker worker;
    struct worker_pool *pool;
    struct queue *queue;
    pthread_t thread;
    void **batch; /* room for batch_max items */
};

struct worker_pool {
    struct worker_pool_config config;
    struct member members[];
};

static void name_this_thread(const char *name)
{
    char cut[THREAD_NAME_SIZE];
    snprintf(cut, sizeof cut, "%s", name);
    pthread_setname_np(pthread_self(), cut);
}

static void *worker_main(void *argument)
{
    struct member *member = argument;
    const struct worker_pool_config *config = &member->pool->config;
    struct worker *worker = &member->worker;
    char name[THREAD_NAME_SIZE];
    snprintf(name, sizeof name, "%.11s-%d", config->name, worker->index);
    name_this_thread(name);

    if (config->open != NULL)
        config->open(worker);
    size_t count;
    while ((count = queue_take(member->queue, member->batch, config->batch_max)) > 0) {
        config->run(worker, member->batch, count);
        arena_reset(worker->arena);
    }
    if (config->close != NULL)
        config->close(worker);
    return NULL;
}

static void start_member(struct worker_pool *pool, int index)
{
    struct member *member = &pool->members[index];
    *member = (struct member){
        .worker = {.index = index,
                   .arena = arena_new(pool->config.arena_size_max),
                   .shared = pool->config.shared},
        .pool = pool,
        .queue = queue_new(pool->config.queue_max),
        .batch = calloc(pool->config.batch_max, sizeof(void *)),
    };
    ASSERT(member->batch != NULL);
    ASSERT(pthread_create(&member->thread, NULL, worker_main, member) == 0);
}

struct worker_pool *worker_pool_start(const struct worker_pool_config *config)
{
    ASSERT(config->workers > 0 && config->batch_max > 0 && config->run != NULL);
    struct worker_pool *pool =
        calloc(1, sizeof *pool + (size_t)config->workers * sizeof pool->members[0]);
    ASSERT(pool != NULL);
    pool->config = *config;
    for (int at = 0; at < config->workers; at++)
        start_member(pool, at);
    return pool;
}

bool worker_pool_submit(struct worker_pool *pool, unsigned lane, void *item)
{
    return queue_put(pool->members[lane % (unsigned)pool->config.workers].queue, item);
}

void worker_pool_stop(struct worker_pool *pool)
{
    if (pool == NULL)
        return;
    for (int at = 0; at < pool->config.workers; at++)
        queue_close(pool->members[at].queue);
    for (int at = 0; at < pool->config.workers; at++) {
        struct member *member = &pool->members[at];
        pthread_join(member->thread, NULL);
        queue_free(member->queue);
        arena_free(member->worker.arena);
        free(member->batch);
    }
    free(pool);
}

struct loop {
    const char *name;
    int (*step)(void *context);
    void *context;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool is_woken; /* since the last rest began */
    bool is_stopping;
};

static struct timespec monotonic_after(int wait_ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    const int64_t nanoseconds = at.tv_nsec + (int64_t)wait_ms * 1000000;
    at.tv_sec += nanoseconds / 1000000000;
    at.tv_nsec = nanoseconds % 1000000000;
    return at;
}

/* Says whether there is a next step. */
static bool loop_rest(struct loop *loop, int rest_ms)
{
    const struct timespec until = monotonic_after(rest_ms);
    pthread_mutex_lock(&loop->mutex);
    int waited = 0;
    while (!loop->is_woken && !loop->is_stopping && rest_ms > 0 && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&loop->changed, &loop->mutex, &until);
    loop->is_woken = false;
    const bool goes_on = !loop->is_stopping;
    pthread_mutex_unlock(&loop->mutex);
    return goes_on;
}

static void *loop_main(void *argument)
{
    struct loop *loop = argument;
    name_this_thread(loop->name);
    while (loop_rest(loop, loop->step(loop->context)))
        continue;
    return NULL;
}

struct loop *loop_start(const char *name, int (*step)(void *context), void *context)
{
    struct loop *loop = calloc(1, sizeof *loop);
    ASSERT(loop != NULL);
    loop->name = name;
    loop->step = step;
    loop->context = context;
    pthread_mutex_init(&loop->mutex, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&loop->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    ASSERT(pthread_create(&loop->thread, NULL, loop_main, loop) == 0);
    return loop;
}

static void loop_tell(struct loop *loop, bool *flag)
{
    pthread_mutex_lock(&loop->mutex);
    *flag = true;
    pthread_cond_signal(&loop->changed);
    pthread_mutex_unlock(&loop->mutex);
}

void loop_wake(struct loop *loop)
{
    loop_tell(loop, &loop->is_woken);
}

void loop_stop(struct loop *loop)
{
    if (loop == NULL)
        return;
    loop_tell(loop, &loop->is_stopping);
    pthread_join(loop->thread, NULL);
    pthread_cond_destroy(&loop->changed);
    pthread_mutex_destroy(&loop->mutex);
    free(loop);
}
