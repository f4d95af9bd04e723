#include "check.h"

#include "outbox/notify_filter.h"

static struct notify_filter parse(const char *types)
{
    struct notify_filter filter;
    struct error err = {.message = ""};
    if (notify_filter_parse(types, &filter, &err) != OK)
        fail_msg("'%s': %s", types, err.message);
    return filter;
}

static void test_notify_filter_matches__cases(void **state)
{
    (void)state;
    static const struct {
        const char *given, *types, *event;
        bool then;
    } CASES[] = {
        {"all of an aggregate", "authorization.*", "authorization.approved", true},
        {"of another one", "authorization.*", "account.opened", false},
        {"one event", "ledger.refused", "ledger.refused", true},
        {"a longer name", "ledger.refused", "ledger.refused_again", false},
        {"a shorter name", "ledger.refused", "ledger.ref", false},
        {"the second of a list", "saga.stuck, account.fro*", "account.frozen", true},
        {"none of a list", "saga.stuck, account.fro*", "account.opened", false},
        {"everything", "*", "saga.stuck", true},
        {"a type that is not ours", "authorization.*", "", false},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        const struct notify_filter filter = parse(CASES[at].types);
        CHECK_EQ(CASES[at].given, notify_filter_matches(&filter, text_of(CASES[at].event)),
                 CASES[at].then);
    }
}

static void test_notify_filter_reads__cases(void **state)
{
    (void)state;
    static const struct {
        const char *types;
        bool authorization, account, ledger, saga;
    } CASES[] = {
        {"authorization.*", true, false, false, false},
        {"a*", true, true, false, false},
        {"*", true, true, true, true},
        {"ledger.refused,saga.stuck", false, false, true, true},
        {"account.fro*", false, true, false, false},
        {"account*", false, true, false, false},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        const struct notify_filter filter = parse(CASES[at].types);
        const bool wanted[] = {CASES[at].authorization, CASES[at].account, CASES[at].ledger,
                               CASES[at].saga};
        for (size_t of = 0; NOTIFY_AGGREGATES[of] != NULL; of++)
            CHECK_EQ(CASES[at].types, notify_filter_reads(&filter, NOTIFY_AGGREGATES[of]),
                     wanted[of]);
    }
}

static void test_notify_filter_parse__refused(void **state)
{
    (void)state;
    static const char *const TYPES[] = {
        "",
        "authorization.*,",
        "Authorization.*",
        "authorization",
        "auth*n.approved",
        "payments.*",
        "ledger.commands-",
        "**",
        "authorizations.approved",
    };
    for (size_t at = 0; at < COUNT(TYPES); at++) {
        struct notify_filter filter;
        struct error err;
        CHECK_EQ(TYPES[at], notify_filter_parse(TYPES[at], &filter, &err), ERR_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_notify_filter_matches__cases),
        cmocka_unit_test(test_notify_filter_reads__cases),
        cmocka_unit_test(test_notify_filter_parse__refused),
    };
    return cmocka_run_group_tests_name("outbox/notify_filter", tests, NULL, NULL);
}
