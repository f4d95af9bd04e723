#include "base/random.h"

#include "base/assert.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>

struct pool {
    uint8_t bytes[RANDOM_SIZE_MAX * 16];
    size_t left; /* not handed out yet: the last ones of bytes */
};

static _Thread_local struct pool pool;

/* Runs in a forked child, on the one thread that it has. */
static void forget_pool(void)
{
    pool.left = 0;
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, forget_pool);
}

static void fill_pool(void)
{
    static pthread_once_t watched = PTHREAD_ONCE_INIT;
    pthread_once(&watched, watch_forks);
    /* Up to 256 bytes getrandom is never cut short by a signal. */
    for (size_t at = 0; at < sizeof pool.bytes; at += RANDOM_SIZE_MAX)
        ASSERT(getrandom(pool.bytes + at, RANDOM_SIZE_MAX, 0) == RANDOM_SIZE_MAX);
    pool.left = sizeof pool.bytes;
}

void random_bytes(void *out, size_t size)
{
    ASSERT(size <= RANDOM_SIZE_MAX);
    if (pool.left < size)
        fill_pool();
    uint8_t *piece = pool.bytes + sizeof pool.bytes - pool.left;
    memcpy(out, piece, size);
    memset(piece, 0, size); /* what was a secret is not kept */
    pool.left -= size;
}
