#include "check.h"

#include "base/assert.h"
#include "platform/clock.h"
#include "platform/dependency.h"

static void test_dependency_note_away__until_all_are_there(void **state)
{
    (void)state;
    struct dependency_watch first = {false}, second = {false};
    dependency_note_there(DEPENDENCY_BUS, &first);
    CHECK("that nobody misses", !dependency_read(DEPENDENCY_BUS).is_away);

    const int64_t before_us = clock_realtime_us();
    dependency_note_away(DEPENDENCY_BUS, &first, "no route");
    dependency_note_away(DEPENDENCY_BUS, &second, "no answer");
    dependency_note_away(DEPENDENCY_BUS, &first, "still no route");
    struct dependency_state bus = dependency_read(DEPENDENCY_BUS);
    CHECK("that two miss", bus.is_away);
    CHECK("since the first of them", bus.since_us >= before_us);
    CHECK_TEXT("how it began", text_of(bus.why), "no route");
    CHECK("another", !dependency_read(DEPENDENCY_KEY_STORE).is_away);

    dependency_note_there(DEPENDENCY_BUS, &first);
    bus = dependency_read(DEPENDENCY_BUS);
    CHECK("that one still misses", bus.is_away);
    CHECK_TEXT("how it began", text_of(bus.why), "no route");
    dependency_note_there(DEPENDENCY_BUS, &second);
    CHECK("that is back", !dependency_read(DEPENDENCY_BUS).is_away);
}

static void test_dependency_note_away__of_a_shared_watch_the_last_word_counts(void **state)
{
    (void)state;
    struct dependency_watch shared = {false};
    dependency_note_away(DEPENDENCY_KEY_STORE, &shared, "throttled");
    dependency_note_away(DEPENDENCY_KEY_STORE, &shared, "throttled");
    CHECK("away, twice", dependency_read(DEPENDENCY_KEY_STORE).is_away);
    dependency_note_there(DEPENDENCY_KEY_STORE, &shared);
    CHECK("there, once", !dependency_read(DEPENDENCY_KEY_STORE).is_away);
}

static void test_dependency_is_away_by__each(void **state)
{
    (void)state;
    static const struct {
        enum status status;
        bool then;
    } CASES[] = {
        {OK, false},           {ERR_INVALID, false}, {ERR_NOT_FOUND, true},
        {ERR_CONFLICT, false}, {ERR_FULL, false},    {ERR_TIMEOUT, true},
        {ERR_DOWN, true},      {ERR_UNKNOWN, true},  {ERR_BROKEN, true},
    };
    for (size_t at = 0; at < COUNT(CASES); at++)
        CHECK_EQ(status_name(CASES[at].status), dependency_is_away_by(CASES[at].status),
                 CASES[at].then);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dependency_note_away__until_all_are_there),
        cmocka_unit_test(test_dependency_note_away__of_a_shared_watch_the_last_word_counts),
        cmocka_unit_test(test_dependency_is_away_by__each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
