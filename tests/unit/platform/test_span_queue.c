#include "check.h"

#include "base/assert.h"
#include "platform/tracing/span_queue.h"

#include <pthread.h>

enum { COUNT_MAX = 1000, BATCH_MAX = 64, THREADS = 4, SPANS = 20000 };

static const struct span_record *records[BATCH_MAX];

static struct trace_context context_of(unsigned number)
{
    struct trace_context context = trace_context_make();
    static const char DIGITS[] = "0123456789abcdef";
    for (int at = 0; at < 4; at++)
        context.span_id[at] = DIGITS[number >> (4 * at) & 15];
    return context;
}

/* A span whose size depends on its number, so that records meet the ring's end in every way. */
static const struct span_record *record_of(void *memory, unsigned number)
{
    static const char LONG[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";
    struct trace_context links[SPAN_LINKS_MAX];
    const size_t link_count = number % 7 == 0 ? number % SPAN_LINKS_MAX : 0;
    for (size_t at = 0; at < link_count; at++)
        links[at] = context_of((unsigned)at);
    return span_record_write(
        memory,
        &(struct span){.type = SPAN_EXPIRE,
                       .context = context_of(number),
                       .begun_us = 1,
                       .links = links,
                       .link_count = link_count,
                       .attributes = SPAN_ATTRIBUTE_LIST(
                           span_text(ATTRIBUTE_DECISION, (struct text){LONG, number % sizeof LONG}),
                           span_i64(ATTRIBUTE_BATCH_SIZE, number))},
        0);
}

static unsigned number_of(const struct span_record *record)
{
    const struct span_record_attribute *attributes = span_record_attributes(record);
    return (unsigned)attributes[record->attribute_count - 1].number;
}

static bool put(struct span_queue *queue, unsigned number)
{
    _Alignas(16) char memory[SPAN_RECORD_SIZE_MAX];
    return span_queue_put(queue, record_of(memory, number));
}

static void test_span_queue__in_order_around_the_ring(void **state)
{
    (void)state;
    struct span_queue *queue = span_queue_new(COUNT_MAX, BATCH_MAX);
    unsigned in = 0, out = 0;
    while (out < SPANS) {
        for (int at = 0; at < 100 && in < SPANS && put(queue, in); at++)
            in++;
        const size_t count = span_queue_look(queue, records, SIZE_MAX);
        for (size_t at = 0; at < count; at++)
            CHECK_EQ("a record", number_of(records[at]), out++);
        span_queue_drop(queue, count);
    }
    CHECK_EQ("nothing left", span_queue_count(queue), 0);
    span_queue_free(queue);
}

static void test_span_queue__bounds(void **state)
{
    (void)state;
    struct span_queue *queue = span_queue_new(COUNT_MAX, BATCH_MAX);
    unsigned in = 0;
    while (put(queue, 1))
        in++;
    CHECK_EQ("by count", in, COUNT_MAX);
    CHECK_EQ("a batch", span_queue_look(queue, records, SIZE_MAX), BATCH_MAX);
    CHECK_EQ("by size", span_queue_look(queue, records, 3 * records[0]->size), 3);
    CHECK_EQ("at least one", span_queue_look(queue, records, 1), 1);
    span_queue_drop(queue, 1);
    CHECK("room for one", put(queue, 1));
    CHECK("and no more", !put(queue, 1));
    span_queue_close(queue);
    span_queue_drop(queue, 10);
    CHECK("closed", !put(queue, 1));
    CHECK_EQ("what was there stays", span_queue_count(queue), COUNT_MAX - 10);
    span_queue_free(queue);
}

/* The largest records fill the ring's bytes long before its count. */
static void test_span_queue__large_records(void **state)
{
    (void)state;
    struct span_queue *queue = span_queue_new(COUNT_MAX, BATCH_MAX);
    size_t in = 0;
    while (put(queue, 126 * 7))
        in++;
    CHECK("by size", in > 40 && in < COUNT_MAX);
    const size_t count = span_queue_look(queue, records, SIZE_MAX);
    CHECK_EQ("links", records[count - 1]->link_count, 126 * 7 % SPAN_LINKS_MAX);
    span_queue_free(queue);
}

static void *put_many(void *queue)
{
    for (unsigned at = 0; at < SPANS / THREADS; at++)
        while (!put(queue, at))
            sched_yield();
    return NULL;
}

static void test_span_queue__many_threads(void **state)
{
    (void)state;
    struct span_queue *queue = span_queue_new(COUNT_MAX, BATCH_MAX);
    pthread_t threads[THREADS];
    uint64_t sum = 0;
    size_t out = 0;
    for (size_t at = 0; at < THREADS; at++)
        ASSERT(pthread_create(&threads[at], NULL, put_many, queue) == 0);
    while (out < SPANS) {
        span_queue_wait(queue, 1);
        const size_t count = span_queue_look(queue, records, SIZE_MAX);
        for (size_t at = 0; at < count; at++)
            sum += number_of(records[at]);
        span_queue_drop(queue, count);
        out += count;
    }
    for (size_t at = 0; at < THREADS; at++)
        pthread_join(threads[at], NULL);
    CHECK_EQ("each once", sum, (uint64_t)THREADS * (SPANS / THREADS) * (SPANS / THREADS - 1) / 2);
    span_queue_free(queue);
}

static void test_span_record_write__what_is_too_much(void **state)
{
    (void)state;
    _Alignas(16) char memory[SPAN_RECORD_SIZE_MAX];
    struct span_attribute attributes[SPAN_ATTRIBUTES_MAX + 4];
    struct trace_context links[SPAN_LINKS_MAX + 30];
    char value[1000];
    memset(value, 'v', sizeof value);
    memcpy(value + SPAN_TEXT_SIZE_MAX - 1, "\xc3\xb6", 2);
    for (size_t at = 0; at < COUNT(attributes); at++)
        attributes[at] = span_text(ATTRIBUTE_DECISION, (struct text){value, sizeof value});
    attributes[0] = span_str(ATTRIBUTE_BOOKING, "no UTF-8: \xff");
    attributes[COUNT(attributes) - 1].key = ATTRIBUTE_NONE;
    for (size_t at = 0; at < COUNT(links); at++)
        links[at] = context_of((unsigned)at);
    links[0].sampled = false;
    const struct span_record *record =
        span_record_write(memory,
                          &(struct span){.type = SPAN_EXPIRE,
                                         .context = context_of(1),
                                         .subject = {value, sizeof value},
                                         .begun_us = 10,
                                         .ended_us = 5,
                                         .attributes = attributes,
                                         .links = links,
                                         .link_count = COUNT(links)},
                          0);
    const struct span_record_attribute *got = span_record_attributes(record);
    CHECK_EQ("attributes", record->attribute_count, SPAN_ATTRIBUTES_MAX);
    CHECK_EQ("attributes", record->attributes_dropped, 3);
    CHECK_EQ("links", record->link_count, SPAN_LINKS_MAX);
    CHECK_EQ("links, without the one that is not sampled", record->links_dropped, 29);
    CHECK_TEXT("no UTF-8", text_of(span_record_text(record, got[0].text_at)), "no UTF-8: ?");
    CHECK_EQ("cut before a character that does not fit",
             strlen(span_record_text(record, got[1].text_at)), SPAN_TEXT_SIZE_MAX - 1);
    CHECK_EQ("a name", strlen(span_record_text(record, record->name_at)), SPAN_TEXT_SIZE_MAX);
    CHECK_EQ("never ends before it begins", record->ended_ns, record->begun_ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_span_queue__in_order_around_the_ring),
        cmocka_unit_test(test_span_queue__bounds),
        cmocka_unit_test(test_span_queue__large_records),
        cmocka_unit_test(test_span_queue__many_threads),
        cmocka_unit_test(test_span_record_write__what_is_too_much),
    };
    return cmocka_run_group_tests_name("platform/span_queue", tests, NULL, NULL);
}
