#include "check.h"

#include "base/timestamp.h"

#include <stdlib.h>
#include <time.h>

static void test_timestamp_parse__forms(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        const char *input;
        bool accepted;
        int64_t then;
    } CASES[] = {
        {"the beginning", "1970-01-01T00:00:00Z", true, 0},
        {"six decimals", "2026-01-31T12:00:00.000001Z", true, 1769860800000001},
        {"one decimal", "1970-01-01T00:00:00.5Z", true, 500000},
        {"lower case", "1970-01-01t00:00:01z", true, 1000000},
        {"before 1970", "1969-12-31T23:59:59.999999Z", true, -1},
        {"a leap day", "2024-02-29T00:00:00Z", true, 1709164800000000},
        {"no leap day", "2023-02-29T00:00:00Z", false, 0},
        {"a century without", "2100-02-29T00:00:00Z", false, 0},
        {"a century with", "2000-02-29T00:00:00Z", true, 951782400000000},
        {"the last", "9999-12-31T23:59:59.999999Z", true, 253402300799999999},
        {"a month 13", "2026-13-01T00:00:00Z", false, 0},
        {"a month 0", "2026-00-01T00:00:00Z", false, 0},
        {"a day 0", "2026-01-00T00:00:00Z", false, 0},
        {"a day 31 of April", "2026-04-31T00:00:00Z", false, 0},
        {"an hour 24", "2026-01-01T24:00:00Z", false, 0},
        {"a minute 60", "2026-01-01T00:60:00Z", false, 0},
        {"a leap second", "2016-12-31T23:59:60Z", false, 0},
        {"an offset", "2026-01-01T00:00:00+01:00", false, 0},
        {"no zone", "2026-01-01T00:00:00", false, 0},
        {"a dot and no decimals", "2026-01-01T00:00:00.Z", false, 0},
        {"seven decimals", "2026-01-01T00:00:00.1234567Z", false, 0},
        {"more after it", "2026-01-01T00:00:00ZZ", false, 0},
        {"a blank", "2026-01-01 00:00:00Z", false, 0},
        {"a control character", "2026\r01-01T00:00:00Z", false, 0},
        {"a letter for a digit", "202x-01-01T00:00:00Z", false, 0},
        {"a letter for a decimal", "2026-01-01T00:00:00.0x1Z", false, 0},
        {"a sign", "-026-01-01T00:00:00Z", false, 0},
        {"a year 0", "0000-01-01T00:00:00Z", false, 0},
        {"nothing", "", false, 0},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        int64_t got = 0;
        CHECK_EQ(CASES[at].given, timestamp_parse(text_of(CASES[at].input), &got),
                 CASES[at].accepted);
        CHECK_EQ(CASES[at].given, got, CASES[at].then);
    }
}

/* Every day of 400 years, and every 11th of the years 1000 to 9999, against the C library, and
 * back. */
static void test_timestamp_format__every_day(void **state)
{
    (void)state;
    for (int64_t day = -354285; day <= 2932896; day += llabs(day) < 73000 ? 1 : 11) {
        const int64_t second = day * 86400 + (day & 1023);
        const time_t clock = (time_t)second;
        struct tm parts;
        gmtime_r(&clock, &parts);
        char want[64];
        strftime(want, sizeof want, "%Y-%m-%dT%H:%M:%S.000007Z", &parts);
        char got[TIMESTAMP_TEXT_SIZE + 1];
        timestamp_format(second * 1000000 + 7, got);
        CHECK_TEXT(want, text_of(got), want);
        int64_t back = 0;
        CHECK(want, timestamp_parse(text_of(got), &back));
        CHECK_EQ(want, back, second * 1000000 + 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timestamp_parse__forms),
        cmocka_unit_test(test_timestamp_format__every_day),
    };
    return cmocka_run_group_tests_name("base/timestamp", tests, NULL, NULL);
}
