#include "check.h"

#include "base/queue.h"

#include <pthread.h>

static void test_queue_put__bound(void **state)
{
    (void)state;
    int items[3];
    struct queue *queue = queue_new(2);
    CHECK("an empty queue", queue_put(queue, &items[0]));
    CHECK("one place left", queue_put(queue, &items[1]));
    CHECK("a full queue", !queue_put(queue, &items[2]));

    void *taken[3];
    CHECK_EQ("one asked for", queue_take(queue, taken, 1), 1);
    CHECK("the oldest first", taken[0] == &items[0]);
    CHECK("a place again", queue_put(queue, &items[2]));
    CHECK_EQ("more asked for than wait", queue_take(queue, taken, 3), 2);
    CHECK("in order, over the ring's end", taken[0] == &items[1] && taken[1] == &items[2]);
    queue_free(queue);
}

static void test_queue_close__drains(void **state)
{
    (void)state;
    int item;
    struct queue *queue = queue_new(2);
    CHECK("an open queue", queue_put(queue, &item));
    queue_close(queue);
    CHECK("a closed queue", !queue_put(queue, &item));
    void *taken[2];
    CHECK_EQ("what waited", queue_take(queue, taken, 2), 1);
    CHECK_EQ("closed and empty", queue_take(queue, taken, 2), 0);
    queue_free(queue);
}

enum { THREADS = 4, ITEMS = 5000 };

static void *put_many(void *queue)
{
    for (size_t at = 1; at <= ITEMS; at++)
        while (!queue_put(queue, (void *)at))
            sched_yield();
    return NULL;
}

static void test_queue__many_threads(void **state)
{
    (void)state;
    struct queue *queue = queue_new(7);
    pthread_t threads[THREADS];
    for (int at = 0; at < THREADS; at++)
        assert_int_equal(pthread_create(&threads[at], NULL, put_many, queue), 0);
    size_t sum = 0;
    for (size_t seen = 0; seen < THREADS * ITEMS;) {
        void *taken[5];
        const size_t count = queue_take(queue, taken, COUNT(taken));
        for (size_t at = 0; at < count; at++)
            sum += (size_t)taken[at];
        seen += count;
    }
    for (int at = 0; at < THREADS; at++)
        pthread_join(threads[at], NULL);
    CHECK_EQ("all items once", sum, (size_t)THREADS * ITEMS * (ITEMS + 1) / 2);
    queue_free(queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queue_put__bound),
        cmocka_unit_test(test_queue_close__drains),
        cmocka_unit_test(test_queue__many_threads),
    };
    return cmocka_run_group_tests_name("base/queue", tests, NULL, NULL);
}
