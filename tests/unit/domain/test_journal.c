#include "check.h"

#include "base/arena.h"
#include "domain/journal.h"

#include <stdio.h>

static const struct uuid CARDHOLDER = {{0x11, [15] = 0x01}};
static const struct uuid SETTLEMENT = {{0x22, [15] = 0x02}};
static const struct uuid CASH = {{0x33, [15] = 0x03}};

static struct journal first_of_lane(void)
{
    return (struct journal){
        .lane = 7,
        .chain_seq = 1,
        .id = {{0x01, 0x8f}},
        .type = JOURNAL_RECORD_HOLD,
        .authorization_id = {{0x02, 0x8f}},
        .saga_id = {{0x03, 0x8f}},
        .command_id = {{0x04, 0x8f}},
        .currency = currency_find(TEXT("USD")),
        .trace_id = "4bf92f3577b34da6a3ce929d0e0e4736",
        .created_at_us = 1767225600000001,
    };
}

static void test_journal_add_transfer__balances(void **state)
{
    (void)state;
    struct journal journal = first_of_lane();
    CHECK("no entries yet", !journal_is_balanced(&journal));
    journal_add_transfer(&journal, LAYER_PENDING, &CARDHOLDER, &SETTLEMENT, 9999);
    CHECK("one transfer", journal_is_balanced(&journal));
    journal_add_transfer(&journal, LAYER_POSTED, &SETTLEMENT, &CASH, 1);
    CHECK("a second one in another layer", journal_is_balanced(&journal));
    CHECK_EQ("two sides each", journal.entry_count, 4);
    CHECK_EQ("the debit comes first", journal.entries[0].side, SIDE_DEBIT);
    CHECK_EQ("the credit follows", journal.entries[1].side, SIDE_CREDIT);
}

static void test_journal_is_balanced__each_layer_for_itself(void **state)
{
    (void)state;
    const struct {
        const char *given;
        struct entry entries[JOURNAL_ENTRIES_MAX];
        int count;
        bool then;
    } CASES[] = {
        /* clang-format off */
        {"nothing", {{.amount_minor = 0}}, 0, false},
        {"one side only", {{CARDHOLDER, SIDE_DEBIT, LAYER_PENDING, 5}}, 1, false},
        {"both sides", {{CARDHOLDER, SIDE_DEBIT, LAYER_PENDING, 5},
                        {SETTLEMENT, SIDE_CREDIT, LAYER_PENDING, 5}}, 2, true},
        {"a cent less", {{CARDHOLDER, SIDE_DEBIT, LAYER_PENDING, 5},
                         {SETTLEMENT, SIDE_CREDIT, LAYER_PENDING, 4}}, 2, false},
        {"sides in two layers", {{CARDHOLDER, SIDE_DEBIT, LAYER_PENDING, 5},
                                 {SETTLEMENT, SIDE_CREDIT, LAYER_POSTED, 5}}, 2, false},
        {"a split credit", {{CARDHOLDER, SIDE_DEBIT, LAYER_POSTED, 5},
                            {SETTLEMENT, SIDE_CREDIT, LAYER_POSTED, 3},
                            {CASH, SIDE_CREDIT, LAYER_POSTED, 2}}, 3, true},
        {"amounts of zero", {{CARDHOLDER, SIDE_DEBIT, LAYER_PENDING, 0},
                             {SETTLEMENT, SIDE_CREDIT, LAYER_PENDING, 0}}, 2, false},
        {"negative amounts", {{CARDHOLDER, SIDE_DEBIT, LAYER_PENDING, -5},
                              {SETTLEMENT, SIDE_CREDIT, LAYER_PENDING, -5}}, 2, false},
        {"sums past the largest", {{CARDHOLDER, SIDE_DEBIT, LAYER_PENDING, INT64_MAX},
                                   {CARDHOLDER, SIDE_DEBIT, LAYER_PENDING, 1},
                                   {SETTLEMENT, SIDE_CREDIT, LAYER_PENDING, INT64_MAX},
                                   {SETTLEMENT, SIDE_CREDIT, LAYER_PENDING, 1}}, 4, false},
        /* clang-format on */
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct journal journal = first_of_lane();
        journal.entry_count = CASES[at].count;
        memcpy(journal.entries, CASES[at].entries, sizeof journal.entries);
        CHECK_EQ(CASES[at].given, journal_is_balanced(&journal), CASES[at].then);
    }
}

/* The form is fixed for ever: what is stored must be recomputable. */
static void test_journal_hash__golden(void **state)
{
    (void)state;
    struct arena *arena = arena_new(64 * 1024);
    struct journal journal = first_of_lane();
    journal_add_transfer(&journal, LAYER_PENDING, &CARDHOLDER, &SETTLEMENT, 9999);
    CHECK_TEXT("the first journal of a lane", journal_text(arena, &journal),
               "tallystick.journal.v1|7|1|"
               "0000000000000000000000000000000000000000000000000000000000000000|"
               "018f0000-0000-0000-0000-000000000000|record_hold|"
               "028f0000-0000-0000-0000-000000000000|"
               "038f0000-0000-0000-0000-000000000000|"
               "048f0000-0000-0000-0000-000000000000|"
               "USD|4bf92f3577b34da6a3ce929d0e0e4736|1767225600000001\n"
               "1|11000000-0000-0000-0000-000000000001|debit|pending|9999|USD\n"
               "2|22000000-0000-0000-0000-000000000002|credit|pending|9999|USD\n");
    const struct sha256 hash = journal_hash(arena, &journal);
    CHECK_TEXT("its hash", sha256_to_hex(arena, &hash),
               "56cd9e63e576568115a22b2709cb7af9f706387d96e4bb5f24267da4a86f5f36");
    arena_free(arena);
}

static void test_journal_hash__every_field_counts(void **state)
{
    (void)state;
    struct arena *arena = arena_new(256 * 1024);
    struct journal original = first_of_lane();
    journal_add_transfer(&original, LAYER_PENDING, &CARDHOLDER, &SETTLEMENT, 9999);
    const struct sha256 hash = journal_hash(arena, &original);
    enum { FIELDS = 13 };
    struct journal changed[FIELDS];
    for (size_t at = 0; at < FIELDS; at++)
        changed[at] = original;
    changed[0].lane = 8;
    changed[1].chain_seq = 2;
    changed[2].previous_hash.bytes[31] = 1;
    changed[3].id.bytes[15] = 1;
    changed[4].type = JOURNAL_RELEASE_HOLD;
    changed[5].authorization_id.bytes[15] = 1;
    changed[6].saga_id.bytes[15] = 1;
    changed[7].command_id.bytes[15] = 1;
    changed[8].currency = currency_find(TEXT("EUR"));
    changed[9].trace_id[0] = '5';
    changed[10].created_at_us++;
    changed[11].entries[0].amount_minor = changed[11].entries[1].amount_minor = 9998;
    changed[12].entries[0].ledger_account_id = CASH;
    for (size_t at = 0; at < FIELDS; at++) {
        const struct sha256 other = journal_hash(arena, &changed[at]);
        char given[40];
        snprintf(given, sizeof given, "change number %zu", at);
        CHECK(given, !sha256_equals(&hash, &other));
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_journal_add_transfer__balances),
        cmocka_unit_test(test_journal_is_balanced__each_layer_for_itself),
        cmocka_unit_test(test_journal_hash__golden),
        cmocka_unit_test(test_journal_hash__every_field_counts),
    };
    return cmocka_run_group_tests_name("domain/journal", tests, NULL, NULL);
}
