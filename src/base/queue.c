#include "base/queue.h"

#include "base/assert.h"

#include <pthread.h>
#include <stdlib.h>

struct queue {
    pthread_mutex_t mutex;
    pthread_cond_t filled; /* something was put in, or the queue was closed */
    bool is_closed;
    size_t first; /* where the oldest item stands */
    size_t count;
    size_t count_max;
    void *items[]; /* a ring */
};

struct queue *queue_new(size_t count_max)
{
    ASSERT(count_max > 0);
    struct queue *queue = calloc(1, sizeof *queue + count_max * sizeof queue->items[0]);
    ASSERT(queue != NULL);
    queue->count_max = count_max;
    pthread_mutex_init(&queue->mutex, NULL);
    pthread_cond_init(&queue->filled, NULL);
    return queue;
}

void queue_free(struct queue *queue)
{
    if (queue == NULL)
        return;
    pthread_cond_destroy(&queue->filled);
    pthread_mutex_destroy(&queue->mutex);
    free(queue);
}

bool queue_put(struct queue *queue, void *item)
{
    pthread_mutex_lock(&queue->mutex);
    const bool has_room = !queue->is_closed && queue->count < queue->count_max;
    if (has_room) {
        queue->items[(queue->first + queue->count) % queue->count_max] = item;
        queue->count++;
        pthread_cond_signal(&queue->filled);
    }
    pthread_mutex_unlock(&queue->mutex);
    return has_room;
}

size_t queue_take(struct queue *queue, void **items_out, size_t count_max)
{
    pthread_mutex_lock(&queue->mutex);
    while (queue->count == 0 && !queue->is_closed)
        pthread_cond_wait(&queue->filled, &queue->mutex);
    const size_t taken = queue->count < count_max ? queue->count : count_max;
    for (size_t at = 0; at < taken; at++)
        items_out[at] = queue->items[(queue->first + at) % queue->count_max];
    queue->first = (queue->first + taken) % queue->count_max;
    queue->count -= taken;
    pthread_mutex_unlock(&queue->mutex);
    return taken;
}

void queue_close(struct queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    queue->is_closed = true;
    pthread_cond_broadcast(&queue->filled);
    pthread_mutex_unlock(&queue->mutex);
}
