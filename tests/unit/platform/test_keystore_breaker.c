#include "check.h"

#include "platform/keystore/breaker.h"

enum { S_US = 1000000 };

/* One breaker through a bad day. */
static void test_breaker_note__a_day(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        int64_t now_us;
        bool is_well;
        enum breaker_change then;
        int64_t rest_us; /* afterwards; 0: closed */
    } STEPS[] = {
        {"an answer", 0, true, BREAKER_SAME, 0},
        {"the first silence", 0, false, BREAKER_OPENED, 1 * S_US},
        {"silence when asked again", 1 * S_US, false, BREAKER_SAME, 2 * S_US},
        {"and again", 3 * S_US, false, BREAKER_SAME, 4 * S_US},
        {"and again", 7 * S_US, false, BREAKER_SAME, 8 * S_US},
        {"and again", 15 * S_US, false, BREAKER_SAME, 16 * S_US},
        {"at the longest", 31 * S_US, false, BREAKER_SAME, 16 * S_US},
        {"an answer at last", 47 * S_US, true, BREAKER_CLOSED, 0},
        {"silence again soon after", 78 * S_US, false, BREAKER_OPENED, 16 * S_US},
        {"an answer", 94 * S_US, true, BREAKER_CLOSED, 0},
        {"an answer later on", 120 * S_US, true, BREAKER_SAME, 0},
        {"silence long after", 126 * S_US, false, BREAKER_OPENED, 1 * S_US},
        {"an answer", 127 * S_US, true, BREAKER_CLOSED, 0},
        {"silence at once", 127 * S_US, false, BREAKER_OPENED, 2 * S_US},
    };
    struct breaker breaker = {0};
    for (size_t at = 0; at < COUNT(STEPS); at++) {
        const int64_t now_us = STEPS[at].now_us;
        const int64_t until_us = now_us + STEPS[at].rest_us;
        CHECK_EQ(STEPS[at].given, breaker_note(&breaker, STEPS[at].is_well, now_us),
                 STEPS[at].then);
        CHECK_EQ(STEPS[at].given, breaker_is_open(&breaker), STEPS[at].rest_us > 0);
        CHECK_EQ(STEPS[at].given, breaker_is_half_open(&breaker, until_us - 1), false);
        CHECK_EQ(STEPS[at].given, breaker_is_half_open(&breaker, until_us), STEPS[at].rest_us > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_breaker_note__a_day)};
    return cmocka_run_group_tests_name("platform/keystore_breaker", tests, NULL, NULL);
}
