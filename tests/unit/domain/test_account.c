#include "check.h"

#include "domain/account.h"
#include "domain/money.h"

#define USD currency_find(TEXT("USD"))
#define EUR currency_find(TEXT("EUR"))

static void test_account_available_minor__what_is_left(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        int64_t limit, held, posted, then;
    } CASES[] = {
        {"an untouched line", 10000, 0, 0, 10000},
        {"held and posted", 10000, 2500, 1500, 6000},
        {"all of it held", 10000, 10000, 0, 0},
        {"a limit lowered below what is held", 1000, 2500, 0, -1500},
        {"paid more than owed", 1000, 0, -500, 1500},
        {"the largest limit, all used twice", INT64_C(1000000000000000), INT64_C(1000000000000000),
         INT64_C(1000000000000000), -INT64_C(1000000000000000)},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        const struct account account = {.limit_minor = CASES[at].limit,
                                        .held_minor = CASES[at].held,
                                        .posted_minor = CASES[at].posted};
        CHECK_EQ(CASES[at].given, account_available_minor(&account), CASES[at].then);
    }
}

/* What an operator asks of an account with limit 1000 in USD, of version 5. */
static const struct {
    const char *given;
    enum account_status status;
    enum account_status asked_status; /* the same: not asked */
    int64_t asked_limit;              /* -1: not asked */
    char asked_currency;              /* u, e, - not asked */
    enum account_refusal then;
    int64_t version;
} CHANGES[] = {
    /* clang-format off */
    {"nothing asked",             ACCOUNT_OPEN,   ACCOUNT_OPEN,     -1, '-', ACCOUNT_CHANGE_OK, 5},
    {"what it has already",       ACCOUNT_OPEN,   ACCOUNT_OPEN,   1000, 'u', ACCOUNT_CHANGE_OK, 5},
    {"a higher limit",            ACCOUNT_OPEN,   ACCOUNT_OPEN,   1001, '-', ACCOUNT_CHANGE_OK, 6},
    {"a lower limit",             ACCOUNT_OPEN,   ACCOUNT_OPEN,    999, '-', ACCOUNT_CHANGE_OK, 6},
    {"no credit any more",        ACCOUNT_OPEN,   ACCOUNT_OPEN,      0, '-', ACCOUNT_CHANGE_OK, 6},
    {"to freeze",                 ACCOUNT_OPEN,   ACCOUNT_FROZEN,   -1, '-', ACCOUNT_CHANGE_OK, 6},
    {"to open it again",          ACCOUNT_FROZEN, ACCOUNT_OPEN,     -1, '-', ACCOUNT_CHANGE_OK, 6},
    {"a limit while frozen",      ACCOUNT_FROZEN, ACCOUNT_FROZEN, 2000, '-', ACCOUNT_CHANGE_OK, 6},
    {"to close",                  ACCOUNT_OPEN,   ACCOUNT_CLOSED,   -1, '-', ACCOUNT_CHANGE_OK, 6},
    {"to close a frozen one",     ACCOUNT_FROZEN, ACCOUNT_CLOSED,   -1, '-', ACCOUNT_CHANGE_OK, 6},
    {"both at once",              ACCOUNT_OPEN,   ACCOUNT_FROZEN, 2000, 'u', ACCOUNT_CHANGE_OK, 6},
    {"another currency",          ACCOUNT_OPEN,   ACCOUNT_OPEN,   2000, 'e',
     ACCOUNT_CHANGE_CURRENCY, 5},
    {"another currency, closed",  ACCOUNT_CLOSED, ACCOUNT_OPEN,     -1, 'e',
     ACCOUNT_CHANGE_CURRENCY, 5},
    {"to reopen a closed one",    ACCOUNT_CLOSED, ACCOUNT_OPEN,     -1, '-',
     ACCOUNT_CHANGE_CLOSED, 5},
    {"to freeze a closed one",    ACCOUNT_CLOSED, ACCOUNT_FROZEN,   -1, '-',
     ACCOUNT_CHANGE_CLOSED, 5},
    {"a limit for a closed one",  ACCOUNT_CLOSED, ACCOUNT_CLOSED, 2000, '-',
     ACCOUNT_CHANGE_CLOSED, 5},
    {"what a closed one is",      ACCOUNT_CLOSED, ACCOUNT_CLOSED, 1000, 'u', ACCOUNT_CHANGE_OK, 5},
    /* clang-format on */
};

static struct account_change change_of(size_t at)
{
    const struct currency *currency = NULL;
    if (CHANGES[at].asked_currency != '-')
        currency = CHANGES[at].asked_currency == 'u' ? USD : EUR;
    return (struct account_change){
        .has_limit = CHANGES[at].asked_limit >= 0,
        .limit_minor = CHANGES[at].asked_limit,
        .has_status = CHANGES[at].asked_status != CHANGES[at].status,
        .status = CHANGES[at].asked_status,
        .currency = currency,
    };
}

static void test_account_apply__every_change(void **state)
{
    (void)state;
    for (size_t at = 0; at < COUNT(CHANGES); at++) {
        const char *given = CHANGES[at].given;
        struct account account = {.status = CHANGES[at].status,
                                  .currency = USD,
                                  .limit_minor = 1000,
                                  .held_minor = 300,
                                  .version = 5};
        const struct account_change change = change_of(at);
        const bool applied = CHANGES[at].then == ACCOUNT_CHANGE_OK;
        const bool new_limit = applied && change.has_limit;
        CHECK_EQ(given, account_apply(&account, &change), CHANGES[at].then);
        CHECK_EQ(given, account.version, CHANGES[at].version);
        CHECK_EQ(given, account.status, applied ? CHANGES[at].asked_status : CHANGES[at].status);
        CHECK_EQ(given, account.limit_minor, new_limit ? change.limit_minor : 1000);
        CHECK_EQ(given, account.held_minor, 300);
        CHECK(given, account.currency == USD);
    }
}

static void test_account_status__there_and_back(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"open", "frozen", "closed"};
    enum account_status status = ACCOUNT_CLOSED;
    for (size_t at = 0; at < COUNT(NAMES); at++) {
        CHECK(NAMES[at], account_status_parse(text_of(NAMES[at]), &status));
        CHECK_TEXT(NAMES[at], text_of(account_status_name(status)), NAMES[at]);
    }
    CHECK("a status that is none", !account_status_parse(TEXT("Open"), &status));
    CHECK("none", !account_status_parse(TEXT_NONE, &status));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_account_available_minor__what_is_left),
        cmocka_unit_test(test_account_apply__every_change),
        cmocka_unit_test(test_account_status__there_and_back),
    };
    return cmocka_run_group_tests_name("domain/account", tests, NULL, NULL);
}
