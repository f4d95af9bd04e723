/* Places count up for ever; modulo the ring's size they say where. A record lies in one piece: what
 * is left at the ring's end, when it is too little, is filled by a record without content. */
#include "platform/tracing/span_queue.h"

#include "base/assert.h"
#include "platform/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { SIZE_EXPECTED = 640, SIZE_MIN = 16 * SPAN_RECORD_SIZE_MAX };

struct span_queue {
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* a batch is full, or the queue was closed */
    bool is_closed;
    size_t count;
    size_t count_max;
    size_t batch_max;
    uint64_t first; /* place of the oldest record */
    uint64_t end;   /* place behind the youngest */
    size_t size;
    char *bytes;
};

struct span_queue *span_queue_new(size_t count_max, size_t batch_max)
{
    ASSERT(count_max > 0);
    ASSERT(batch_max > 0);
    struct span_queue *queue = calloc(1, sizeof *queue);
    pthread_condattr_t attributes;
    ASSERT(queue != NULL);
    queue->count_max = count_max;
    queue->batch_max = batch_max;
    queue->size = count_max * SIZE_EXPECTED;
    if (queue->size < SIZE_MIN)
        queue->size = SIZE_MIN;
    /* Untouched pages cost nothing: a queue that is never long stays small. */
    queue->bytes = malloc(queue->size);
    ASSERT(queue->bytes != NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&queue->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&queue->mutex, NULL);
    return queue;
}

void span_queue_free(struct span_queue *queue)
{
    if (queue == NULL)
        return;
    pthread_cond_destroy(&queue->changed);
    pthread_mutex_destroy(&queue->mutex);
    free(queue->bytes);
    free(queue);
}

static void *at_place(const struct span_queue *queue, uint64_t place)
{
    return queue->bytes + place % queue->size;
}

/* What a record of `size` bytes would leave unused at the ring's end. */
static size_t gap_before(const struct span_queue *queue, size_t size)
{
    const size_t to_end = queue->size - (size_t)(queue->end % queue->size);
    return size <= to_end ? 0 : to_end;
}

/* A filler needs no more than its size; `kind` 0 tells it from a record. */
static void put_filler(struct span_queue *queue, size_t size)
{
    const struct {
        uint32_t size;
        uint32_t none;
    } filler = {(uint32_t)size, UINT32_MAX};
    if (size == 0)
        return;
    memcpy(at_place(queue, queue->end), &filler, sizeof filler);
    queue->end += size;
}

bool span_queue_put(struct span_queue *queue, const struct span_record *record)
{
    pthread_mutex_lock(&queue->mutex);
    const size_t gap = gap_before(queue, record->size);
    const size_t used = (size_t)(queue->end - queue->first);
    const bool has_room = !queue->is_closed && queue->count < queue->count_max &&
                          used + gap + record->size <= queue->size;
    if (has_room) {
        put_filler(queue, gap);
        memcpy(at_place(queue, queue->end), record, record->size);
        queue->end += record->size;
        queue->count++;
        if (queue->count == queue->batch_max)
            pthread_cond_signal(&queue->changed);
    }
    pthread_mutex_unlock(&queue->mutex);
    return has_room;
}

static struct timespec deadline_in(int64_t wait_ms)
{
    const int64_t at_us = clock_monotonic_us() + wait_ms * 1000;
    return (struct timespec){at_us / 1000000, at_us % 1000000 * 1000};
}

static void wait_until(struct span_queue *queue, int64_t wait_ms, size_t enough)
{
    const struct timespec deadline = deadline_in(wait_ms);
    int outcome = 0;
    pthread_mutex_lock(&queue->mutex);
    while (outcome == 0 && !queue->is_closed && queue->count < enough)
        outcome = pthread_cond_timedwait(&queue->changed, &queue->mutex, &deadline);
    pthread_mutex_unlock(&queue->mutex);
}

void span_queue_wait(struct span_queue *queue, int64_t wait_ms)
{
    wait_until(queue, wait_ms, queue->batch_max);
}

void span_queue_rest(struct span_queue *queue, int64_t wait_ms)
{
    wait_until(queue, wait_ms, SIZE_MAX);
}

static bool is_filler(const struct span_record *record)
{
    return record->links_dropped == UINT32_MAX;
}

static uint64_t skip_filler(const struct span_queue *queue, uint64_t place)
{
    const struct span_record *record = at_place(queue, place);
    return is_filler(record) ? place + record->size : place;
}

/* Producers write behind `end` only, so what lies before it can be read without the lock. */
size_t span_queue_look(struct span_queue *queue, const struct span_record **records_out,
                       size_t size_max)
{
    pthread_mutex_lock(&queue->mutex);
    const uint64_t first = queue->first;
    size_t count = queue->count < queue->batch_max ? queue->count : queue->batch_max;
    pthread_mutex_unlock(&queue->mutex);
    uint64_t place = first;
    for (size_t at = 0; at < count; at++) {
        place = skip_filler(queue, place);
        const struct span_record *record = at_place(queue, place);
        place += record->size;
        if (at > 0 && place - first > size_max)
            return at;
        records_out[at] = record;
    }
    return count;
}

void span_queue_drop(struct span_queue *queue, size_t count)
{
    pthread_mutex_lock(&queue->mutex);
    ASSERT(count <= queue->count);
    for (size_t at = 0; at < count; at++) {
        queue->first = skip_filler(queue, queue->first);
        queue->first += ((const struct span_record *)at_place(queue, queue->first))->size;
    }
    queue->count -= count;
    pthread_mutex_unlock(&queue->mutex);
}

void span_queue_close(struct span_queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    queue->is_closed = true;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->mutex);
}

bool span_queue_is_closed(struct span_queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    const bool is_closed = queue->is_closed;
    pthread_mutex_unlock(&queue->mutex);
    return is_closed;
}

size_t span_queue_count(struct span_queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    const size_t count = queue->count;
    pthread_mutex_unlock(&queue->mutex);
    return count;
}
