#include "check.h"

#include "base/arena.h"
#include "domain/account.h"
#include "domain/authorization.h"
#include "domain/money.h"

#define USD currency_find(TEXT("USD"))

static struct account account_with(char status, int64_t limit, int64_t held, int64_t posted)
{
    return (struct account){
        .id = {{1}},
        .status = status == 'o'   ? ACCOUNT_OPEN
                  : status == 'f' ? ACCOUNT_FROZEN
                                  : ACCOUNT_CLOSED,
        .currency = USD,
        .limit_minor = limit,
        .held_minor = held,
        .posted_minor = posted,
        .version = 1,
    };
}

/* ---- the decision -------------------------------------------------------------------------- */

/* The account is in USD; `then` is every reason, the first being the code; "" is an approval. */
static const struct {
    const char *given;
    char status; /* open, frozen, closed, - unknown */
    int64_t limit, held, posted;
    int64_t amount_limit; /* -1: none */
    const char *currency;
    int64_t amount;
    const char *then;
} DECISIONS[] = {
    /* clang-format off */
    {"credit to spare",             'o', 10000,    0,    0,   -1, "USD",  9999, ""},
    {"one cent less than is left",  'o', 10000, 3000, 2000,   -1, "USD",  4999, ""},
    {"exactly what is left",        'o', 10000, 3000, 2000,   -1, "USD",  5000, ""},
    {"one cent too many",           'o', 10000, 3000, 2000,   -1, "USD",  5001,
     "credit_limit_exceeded"},
    {"the smallest amount",         'o',     1,    0,    0,   -1, "USD",     1, ""},
    {"nothing left",                'o', 10000, 10000,   0,   -1, "USD",     1,
     "credit_limit_exceeded"},
    {"no credit at all",            'o',     0,    0,    0,   -1, "USD",     1,
     "credit_limit_exceeded"},
    {"a limit below what is held",  'o',  1000, 5000,    0,   -1, "USD",     1,
     "credit_limit_exceeded"},
    {"a limit below what is owed",  'o',  1000,    0, 5000,   -1, "USD",     1,
     "credit_limit_exceeded"},
    {"paid more than owed",         'o',  1000,    0, -500,   -1, "USD",  1500, ""},
    {"below the amount limit",      'o', 10000,    0,    0, 5000, "USD",  4999, ""},
    {"at the amount limit",         'o', 10000,    0,    0, 5000, "USD",  5000, ""},
    {"above the amount limit",      'o', 10000,    0,    0, 5000, "USD",  5001,
     "amount_limit_exceeded"},
    {"a limit of no amount at all", 'o', 10000,    0,    0,    0, "USD",     1,
     "amount_limit_exceeded"},
    {"no account",                  '-',     0,    0,    0,   -1, "USD",     1,
     "account_not_found"},
    {"a closed account",            'c', 10000,    0,    0,   -1, "USD",     1,
     "account_closed"},
    {"a frozen account",            'f', 10000,    0,    0,   -1, "USD",     1,
     "account_frozen"},
    {"another currency",            'o', 10000,    0,    0,   -1, "EUR",     1,
     "currency_mismatch"},

    /* Two checks fail: both are told, the first in precedence decides. */
    {"no account, above a limit",   '-',     0,    0,    0, 5000, "EUR",  5001,
     "account_not_found"},
    {"closed, another currency",    'c', 10000,    0,    0,   -1, "EUR",     1,
     "account_closed,currency_mismatch"},
    {"closed, above the limit",     'c', 10000,    0,    0, 5000, "USD",  5001,
     "account_closed,amount_limit_exceeded"},
    {"closed, no credit",           'c',     0,    0,    0,   -1, "USD",     1,
     "account_closed,credit_limit_exceeded"},
    {"frozen, another currency",    'f', 10000,    0,    0,   -1, "EUR",     1,
     "account_frozen,currency_mismatch"},
    {"frozen, above the limit",     'f', 10000,    0,    0, 5000, "USD",  5001,
     "account_frozen,amount_limit_exceeded"},
    {"frozen, no credit",           'f',     0,    0,    0,   -1, "USD",     1,
     "account_frozen,credit_limit_exceeded"},
    {"above both limits",           'o',  1000,    0,    0, 5000, "USD",  5001,
     "amount_limit_exceeded,credit_limit_exceeded"},
    {"frozen and above both",       'f',  1000,    0,    0, 5000, "USD",  5001,
     "account_frozen,amount_limit_exceeded,credit_limit_exceeded"},
    /* Amounts of two currencies are not compared. */
    {"another currency, too much",  'o',  1000,    0,    0, 5000, "EUR",  5001,
     "currency_mismatch"},
    /* clang-format on */
};

static void test_authorization_decide__every_reason(void **state)
{
    (void)state;
    struct arena *arena = arena_new(64 * 1024);
    for (size_t at = 0; at < COUNT(DECISIONS); at++) {
        const char *given = DECISIONS[at].given;
        const struct account account = account_with(DECISIONS[at].status, DECISIONS[at].limit,
                                                    DECISIONS[at].held, DECISIONS[at].posted);
        const struct decision_policy policy = {DECISIONS[at].amount_limit >= 0,
                                               DECISIONS[at].amount_limit};
        const struct decision got = authorization_decide(
            DECISIONS[at].status == '-' ? NULL : &account,
            currency_find(text_of(DECISIONS[at].currency)), DECISIONS[at].amount, &policy);
        struct text reasons = decision_reasons_text(arena, got.reasons);
        CHECK_TEXT(given, reasons, DECISIONS[at].then);
        const struct text first = text_cut(&reasons, ',');
        CHECK_TEXT(given, text_of(decision_code_name(got.code)),
                   first.size == 0 ? "approved" : text_to_c(arena, first));
    }
    arena_free(arena);
}

/* ---- names --------------------------------------------------------------------------------- */

static void test_decision_code__names(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        const char *iso8583;
    } CASES[] = {
        {"approved", "00"},
        {"account_not_found", "14"},
        {"account_closed", "78"},
        {"account_frozen", "62"},
        {"currency_mismatch", "12"},
        {"amount_limit_exceeded", "61"},
        {"credit_limit_exceeded", "51"},
    };
    enum decision_code code = DECISION_APPROVED;
    CHECK_EQ("the table", COUNT(CASES), DECISION_CODE_COUNT);
    for (size_t at = 0; at < COUNT(CASES); at++) {
        const char *given = CASES[at].given;
        CHECK(given, decision_code_parse(text_of(given), &code));
        CHECK_TEXT(given, text_of(decision_code_name(code)), given);
        CHECK_TEXT(given, text_of(decision_code_iso8583(code)), CASES[at].iso8583);
    }
    CHECK("a code that is none", !decision_code_parse(TEXT("insufficient_luck"), &code));
}

static void test_authorization_status__there_and_back(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"approved", "declined", "voided", "expired", "reversed"};
    enum authorization_status status = AUTHORIZATION_APPROVED;
    for (size_t at = 0; at < COUNT(NAMES); at++) {
        CHECK(NAMES[at], authorization_status_parse(text_of(NAMES[at]), &status));
        CHECK_EQ(NAMES[at], status, at);
        CHECK_TEXT(NAMES[at], text_of(authorization_status_name(status)), NAMES[at]);
    }
    CHECK("a status that is none", !authorization_status_parse(TEXT("captured"), &status));
}

/* ---- release ------------------------------------------------------------------------------- */

static struct authorization authorization_of(const struct account *account,
                                             enum authorization_status status)
{
    const bool open = status == AUTHORIZATION_APPROVED;
    return (struct authorization){
        .id = {{7}},
        .account_id = account->id,
        .status = status,
        .version = status == AUTHORIZATION_APPROVED || status == AUTHORIZATION_DECLINED ? 1 : 2,
        .currency = USD,
        .approved_minor = status == AUTHORIZATION_DECLINED ? 0 : 700,
        .remaining_minor = open ? 700 : 0,
    };
}

static void test_authorization_release__from_approved(void **state)
{
    (void)state;
    static const enum authorization_status TO[] = {AUTHORIZATION_VOIDED, AUTHORIZATION_EXPIRED,
                                                   AUTHORIZATION_REVERSED};
    for (size_t at = 0; at < COUNT(TO); at++) {
        const char *given = authorization_status_name(TO[at]);
        struct account account = account_with('o', 10000, 1000, 0);
        struct authorization a = authorization_of(&account, AUTHORIZATION_APPROVED);
        struct authorization_change change = {.version = 0};
        CHECK(given, authorization_release(&a, &account, TO[at], &change));
        CHECK_EQ(given, a.status, TO[at]);
        CHECK_EQ(given, a.version, 2);
        CHECK_EQ(given, a.remaining_minor, 0);
        CHECK_EQ(given, a.approved_minor, 700);
        CHECK_EQ(given, account.held_minor, 300);
        CHECK_EQ(given, account.version, 1);
        CHECK(given, uuid_equals(&change.authorization_id, &a.id));
        CHECK_EQ(given, change.version, 2);
        CHECK_EQ(given, change.status, TO[at]);
        CHECK_EQ(given, change.amount_minor, 700);
    }
}

/* What has ended stays as it ended, whatever comes after. */
static void test_authorization_release__once(void **state)
{
    (void)state;
    static const enum authorization_status ENDED[] = {AUTHORIZATION_DECLINED, AUTHORIZATION_VOIDED,
                                                      AUTHORIZATION_EXPIRED,
                                                      AUTHORIZATION_REVERSED};
    for (size_t from = 0; from < COUNT(ENDED); from++) {
        for (size_t to = 1; to < COUNT(ENDED); to++) {
            const char *given = authorization_status_name(ENDED[from]);
            struct account account = account_with('o', 10000, 1000, 0);
            struct authorization a = authorization_of(&account, ENDED[from]);
            const int64_t version = a.version;
            struct authorization_change change = {.version = 99};
            CHECK(given, !authorization_release(&a, &account, ENDED[to], &change));
            CHECK_EQ(given, a.status, ENDED[from]);
            CHECK_EQ(given, a.version, version);
            CHECK_EQ(given, account.held_minor, 1000);
            CHECK_EQ(given, change.version, 99);
        }
    }
}

/* A hold ends whatever the account's status: freezing keeps nobody's credit. */
static void test_authorization_release__any_account(void **state)
{
    (void)state;
    static const char STATUSES[] = {'o', 'f', 'c'};
    for (size_t at = 0; at < COUNT(STATUSES); at++) {
        struct account account = account_with(STATUSES[at], 0, 700, 0);
        struct authorization a = authorization_of(&account, AUTHORIZATION_APPROVED);
        struct authorization_change change;
        CHECK("any account", authorization_release(&a, &account, AUTHORIZATION_EXPIRED, &change));
        CHECK_EQ("all that was held", account.held_minor, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_authorization_decide__every_reason),
        cmocka_unit_test(test_decision_code__names),
        cmocka_unit_test(test_authorization_status__there_and_back),
        cmocka_unit_test(test_authorization_release__from_approved),
        cmocka_unit_test(test_authorization_release__once),
        cmocka_unit_test(test_authorization_release__any_account),
    };
    return cmocka_run_group_tests_name("domain/authorization", tests, NULL, NULL);
}
