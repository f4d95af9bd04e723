#include "check.h"

#include "authorization/busy.h"

static struct uuid id_of(size_t number)
{
    struct uuid id = {{0}};
    id.bytes[14] = (uint8_t)(number / 256);
    id.bytes[15] = (uint8_t)(number % 256);
    return id;
}

static void test_busy_accounts__known_until_forgotten(void **state)
{
    (void)state;
    struct busy_accounts busy = {.count = 0};
    const struct uuid first = id_of(1), second = id_of(2);
    CHECK_EQ("empty", busy_accounts_has(&busy, &first), false);
    CHECK_EQ("empty", busy_accounts_forget(&busy, &first), false);
    CHECK_EQ("new", busy_accounts_add(&busy, &first), true);
    CHECK_EQ("known", busy_accounts_add(&busy, &first), false);
    CHECK_EQ("known", busy_accounts_has(&busy, &first), true);
    CHECK_EQ("another", busy_accounts_has(&busy, &second), false);
    CHECK_EQ("another", busy_accounts_add(&busy, &second), true);
    CHECK_EQ("forgotten", busy_accounts_forget(&busy, &first), true);
    CHECK_EQ("forgotten", busy_accounts_has(&busy, &first), false);
    CHECK_EQ("the other stays", busy_accounts_has(&busy, &second), true);
}

static void test_busy_accounts__the_oldest_makes_room(void **state)
{
    (void)state;
    struct busy_accounts busy = {.count = 0};
    for (size_t at = 0; at <= BUSY_ACCOUNTS_MAX; at++) {
        const struct uuid id = id_of(at);
        CHECK_EQ("new", busy_accounts_add(&busy, &id), true);
    }
    const struct uuid oldest = id_of(0), next = id_of(1), newest = id_of(BUSY_ACCOUNTS_MAX);
    CHECK_EQ("full", (int)busy.count, BUSY_ACCOUNTS_MAX);
    CHECK_EQ("the oldest", busy_accounts_has(&busy, &oldest), false);
    CHECK_EQ("the next", busy_accounts_has(&busy, &next), true);
    CHECK_EQ("the newest", busy_accounts_has(&busy, &newest), true);
    CHECK_EQ("the newest", busy_accounts_forget(&busy, &newest), true);
    CHECK_EQ("one less", (int)busy.count, BUSY_ACCOUNTS_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_busy_accounts__known_until_forgotten),
        cmocka_unit_test(test_busy_accounts__the_oldest_makes_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
