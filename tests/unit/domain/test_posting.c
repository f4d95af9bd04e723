#include "check.h"

#include "base/arena.h"
#include "domain/posting.h"

#define USD currency_find(TEXT("USD"))

static const struct uuid CARDHOLDER = {{0x11, [15] = 0x01}};

/* Command by command on one authorization; a row of a title alone begins a new story. Refusals in
 * descending precedence. */
static const struct {
    const char *given;
    char action;  /* + record_hold, - release_hold */
    char account; /* open, frozen, closed */
    int64_t asked;
    const char *currency;
    const char *outcome;
    const char *reason;
    char posts; /* yes, no */
    int64_t amount;
    int64_t pending; /* the hold, after it */
    int64_t version;
} STORY[] = {
    /* clang-format off */
    {"A HOLD AND ITS END"},
    {"the smallest hold",        '+', 'o', 1, "USD", "recorded", NULL,               'y', 1, 1, 1},
    {"the same once more",       '+', 'o', 1, "USD", "recorded", NULL,               'n', 1, 1, 1},
    {"another amount once more", '+', 'o', 7, "USD", "recorded", NULL,               'n', 1, 1, 1},
    {"recorded, then frozen",    '+', 'f', 1, "USD", "recorded", NULL,               'n', 1, 1, 1},
    {"a release asking more",    '-', 'o', 9, "USD", "released", NULL,               'y', 1, 0, 2},
    {"a second release",         '-', 'o', 1, "USD", "released", NULL,               'n', 0, 0, 2},
    {"a late hold",              '+', 'o', 1, "USD", "refused",  "already_released", 'n', 1, 0, 2},
    {"THE RELEASE COMES FIRST"},
    {"nothing to release",       '-', 'o', 5, "USD", "released", NULL,               'n', 0, 0, 0},
    {"the hold, too late",       '+', 'o', 5, "USD", "refused",  "already_released", 'n', 5, 0, 0},
    {"too late on a closed one", '+', 'c', 5, "USD", "refused",  "already_released", 'n', 5, 0, 0},
    {"REFUSALS"},
    {"closed, other currency",   '+', 'c', 5, "EUR", "refused", "account_closed",    'n', 5, 0, 0},
    {"frozen, other currency",   '+', 'f', 5, "EUR", "refused", "account_frozen",    'n', 5, 0, 0},
    {"other currency",           '+', 'o', 5, "EUR", "refused", "currency_mismatch", 'n', 5, 0, 0},
    {"open and its currency",    '+', 'o', 5, "USD", "recorded", NULL,               'y', 5, 5, 1},
    {"A RELEASE IS NEVER REFUSED"},
    {"a large hold",             '+', 'o', 1LL << 60, "USD", "recorded",
                                 NULL, 'y', 1LL << 60, 1LL << 60, 1},
    {"closed, other currency",   '-', 'c', 1, "EUR", "released", NULL, 'y', 1LL << 60, 0, 2},
    /* clang-format on */
};

static enum ledger_account_status status_of(char letter)
{
    if (letter == 'f')
        return LEDGER_ACCOUNT_FROZEN;
    return letter == 'c' ? LEDGER_ACCOUNT_CLOSED : LEDGER_ACCOUNT_OPEN;
}

/* Decides, posts and applies one row of the story, as the room does. */
static struct ledger_decision tell(size_t at, struct ledger_hold *hold)
{
    const struct ledger_account account = {CARDHOLDER, LEDGER_CARDHOLDER,
                                           status_of(STORY[at].account), USD};
    const enum ledger_action action =
        STORY[at].action == '+' ? LEDGER_RECORD_HOLD : LEDGER_RELEASE_HOLD;
    const struct currency *currency = currency_find(text_of(STORY[at].currency));
    const struct ledger_decision decision =
        ledger_decide(action, STORY[at].asked, currency, &account, hold);
    struct journal journal = {.id = {{1, 2, 3}}, .currency = USD};
    if (decision.posts)
        posting_build(&journal, action, &CARDHOLDER, decision.amount_minor);
    if (decision.posts || decision.outcome == LEDGER_HOLD_RELEASED)
        ledger_hold_apply(hold, &decision, decision.posts ? &journal : NULL);
    return decision;
}

static void test_ledger_decide__stories(void **state)
{
    (void)state;
    struct ledger_hold hold = {.status = HOLD_UNKNOWN};
    for (size_t at = 0; at < COUNT(STORY); at++) {
        if (STORY[at].action == 0) {
            hold = (struct ledger_hold){.status = HOLD_UNKNOWN};
            continue;
        }
        const char *given = STORY[at].given;
        const struct ledger_decision got = tell(at, &hold);
        CHECK_TEXT(given, text_of(ledger_outcome_name(got.outcome)), STORY[at].outcome);
        CHECK_TEXT(given, text_of(ledger_reason_name(got.reason)), STORY[at].reason);
        CHECK_EQ(given, got.posts, STORY[at].posts == 'y');
        CHECK_EQ(given, got.amount_minor, STORY[at].amount);
        CHECK_EQ(given, hold.pending_minor, STORY[at].pending);
        CHECK_EQ(given, hold.version, STORY[at].version);
    }
}

static void test_posting_build__each_step(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        enum ledger_action action;
        enum journal_type type;
        bool debits_cardholder;
    } CASES[] = {
        {"a hold is owed by the cardholder", LEDGER_RECORD_HOLD, JOURNAL_RECORD_HOLD, true},
        {"a release swaps the sides", LEDGER_RELEASE_HOLD, JOURNAL_RELEASE_HOLD, false},
    };
    const struct uuid settlement = ledger_settlement_id(USD);
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct journal journal = {.currency = USD};
        posting_build(&journal, CASES[at].action, &CARDHOLDER, 9999);
        const struct uuid *debit = CASES[at].debits_cardholder ? &CARDHOLDER : &settlement;
        const struct uuid *credit = CASES[at].debits_cardholder ? &settlement : &CARDHOLDER;
        CHECK_EQ(CASES[at].given, journal.type, CASES[at].type);
        CHECK_EQ(CASES[at].given, journal.entry_count, 2);
        CHECK(CASES[at].given, uuid_equals(&journal.entries[0].ledger_account_id, debit));
        CHECK(CASES[at].given, uuid_equals(&journal.entries[1].ledger_account_id, credit));
        CHECK_EQ(CASES[at].given, journal.entries[0].layer, LAYER_PENDING);
        CHECK_EQ(CASES[at].given, journal.entries[0].amount_minor, 9999);
        CHECK(CASES[at].given, journal_is_balanced(&journal));
    }
}

static void test_ledger_settlement_id__per_currency(void **state)
{
    (void)state;
    const struct uuid usd = ledger_settlement_id(USD), again = ledger_settlement_id(USD);
    const struct uuid eur = ledger_settlement_id(currency_find(TEXT("EUR")));
    CHECK("the same currency", uuid_equals(&usd, &again));
    CHECK("another currency", !uuid_equals(&usd, &eur));
}

static void test_ledger_names__there_and_back(void **state)
{
    (void)state;
    for (int at = LEDGER_REASON_ACCOUNT_CLOSED; at <= LEDGER_REASON_ALREADY_RELEASED; at++) {
        enum ledger_reason got = LEDGER_REASON_NONE;
        const char *name = ledger_reason_name((enum ledger_reason)at);
        CHECK(name, ledger_reason_parse(text_of(name), &got));
        CHECK_EQ(name, got, at);
    }
    for (int at = LEDGER_HOLD_RECORDED; at <= LEDGER_REFUSED; at++) {
        enum ledger_outcome got = LEDGER_REFUSED;
        const char *name = ledger_outcome_name((enum ledger_outcome)at);
        CHECK(name, ledger_outcome_parse(text_of(name), &got));
        CHECK_EQ(name, got, at);
    }
    enum ledger_account_status status = LEDGER_ACCOUNT_OPEN;
    CHECK("a name of no status", !ledger_account_status_parse(TEXT("ajar"), &status));
    CHECK_EQ("a name of no status", status, LEDGER_ACCOUNT_OPEN);
}

static void test_ledger_account_code__chart(void **state)
{
    (void)state;
    struct arena *arena = arena_new(4096);
    CHECK_TEXT("a cardholder", text_of(ledger_account_code(arena, LEDGER_CARDHOLDER, &CARDHOLDER)),
               "1100:11000000-0000-0000-0000-000000000001");
    CHECK_TEXT("the network", text_of(ledger_account_code(arena, LEDGER_SETTLEMENT, &CARDHOLDER)),
               "2100:default");
    CHECK_EQ("receivables", ledger_account_normal_side(LEDGER_CARDHOLDER), SIDE_DEBIT);
    CHECK_EQ("payables", ledger_account_normal_side(LEDGER_SETTLEMENT), SIDE_CREDIT);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ledger_decide__stories),
        cmocka_unit_test(test_posting_build__each_step),
        cmocka_unit_test(test_ledger_settlement_id__per_currency),
        cmocka_unit_test(test_ledger_names__there_and_back),
        cmocka_unit_test(test_ledger_account_code__chart),
    };
    return cmocka_run_group_tests_name("domain/posting", tests, NULL, NULL);
}
