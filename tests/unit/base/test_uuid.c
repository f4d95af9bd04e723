#include "check.h"

#include "base/arena.h"
#include "base/uuid.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t time_of(const struct uuid *id)
{
    int64_t ms = 0;
    for (int at = 0; at < 6; at++)
        ms = ms << 8 | id->bytes[at];
    return ms;
}

static void test_uuid_make_v7__ascends(void **state)
{
    (void)state;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct uuid before = uuid_make_v7();
    CHECK("the first: the clock's time",
          llabs(time_of(&before) - (int64_t)now.tv_sec * 1000) < 2000);
    for (int at = 0; at < 100000; at++) {
        const struct uuid id = uuid_make_v7();
        CHECK_EQ("its version", id.bytes[6] >> 4, 7);
        CHECK_EQ("its variant", id.bytes[8] >> 6, 2);
        CHECK("its order", uuid_compare(&before, &id) < 0);
        before = id;
    }
}

enum { PER_THREAD = 20000, THREADS = 4 };

static void *make_many(void *out)
{
    struct uuid *ids = out;
    for (int at = 0; at < PER_THREAD; at++)
        ids[at] = uuid_make_v7();
    return NULL;
}

static int compare(const void *a, const void *b)
{
    return uuid_compare(a, b);
}

static void test_uuid_make_v7__unique_over_threads(void **state)
{
    (void)state;
    static struct uuid ids[THREADS * PER_THREAD];
    pthread_t threads[THREADS];
    for (int at = 0; at < THREADS; at++)
        assert_int_equal(pthread_create(&threads[at], NULL, make_many, ids + at * PER_THREAD), 0);
    for (int at = 0; at < THREADS; at++)
        pthread_join(threads[at], NULL);
    qsort(ids, COUNT(ids), sizeof ids[0], compare);
    for (size_t at = 1; at < COUNT(ids); at++)
        CHECK("ids of four threads", !uuid_equals(&ids[at - 1], &ids[at]));
}

static void test_uuid_make_v7__not_repeated_by_a_child(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    (void)uuid_make_v7();
    const pid_t child = fork();
    const struct uuid mine = uuid_make_v7();
    if (child == 0)
        _exit(write(ends[1], &mine, sizeof mine) == sizeof mine ? 0 : 1);
    struct uuid theirs;
    assert_int_equal(read(ends[0], &theirs, sizeof theirs), sizeof theirs);
    waitpid(child, NULL, 0);
    CHECK("the random half", memcmp(mine.bytes + 8, theirs.bytes + 8, 8) != 0);
    close(ends[0]);
    close(ends[1]);
}

static void test_uuid_parse__forms(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        const char *input;
        bool then;
    } CASES[] = {
        {"lower case", "01890a5d-ac96-774b-bcce-b302099a8057", true},
        {"upper case", "01890A5D-AC96-774B-BCCE-B302099A8057", true},
        {"nothing", "", false},
        {"a digit too few", "01890a5d-ac96-774b-bcce-b302099a805", false},
        {"a digit too many", "01890a5d-ac96-774b-bcce-b302099a80570", false},
        {"a part too many", "01890a5d-ac96-774b-bcce-b302099a8057-", false},
        {"no hyphens", "01890a5dac96774bbcceb302099a8057", false},
        {"hyphens elsewhere", "01890a5da-c96-774b-bcce-b302099a8057", false},
        {"no hex", "01890a5g-ac96-774b-bcce-b302099a8057", false},
        {"braces", "{01890a5d-ac96-774b-bcce-b302099a8057}", false},
    };
    struct arena *const arena = arena_new(4096);
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct uuid id = {.bytes = {0}};
        CHECK_EQ(CASES[at].given, uuid_parse(text_of(CASES[at].input), &id), CASES[at].then);
        if (CASES[at].then)
            CHECK_TEXT(CASES[at].given, uuid_to_text(arena, &id), CASES[0].input);
        else
            CHECK(CASES[at].given, uuid_is_nil(&id));
    }
    arena_free(arena);
}

static void test_uuid_from_digest__stamps(void **state)
{
    (void)state;
    uint8_t digest[16];
    memset(digest, 0xff, sizeof digest);
    const struct uuid id = uuid_from_digest(digest);
    char got[UUID_TEXT_SIZE + 1];
    uuid_format(&id, got);
    CHECK_TEXT("all ones", text_of(got), "ffffffff-ffff-8fff-bfff-ffffffffffff");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uuid_make_v7__ascends),
        cmocka_unit_test(test_uuid_make_v7__unique_over_threads),
        cmocka_unit_test(test_uuid_make_v7__not_repeated_by_a_child),
        cmocka_unit_test(test_uuid_parse__forms),
        cmocka_unit_test(test_uuid_from_digest__stamps),
    };
    return cmocka_run_group_tests_name("base/uuid", tests, NULL, NULL);
}
