#include "check.h"

#include "base/arena.h"
#include "platform/messaging/delivery.h"
#include "saga/heard.h"

#define AUTHORIZATION                                                                              \
    "\"account_id\":\"6d61cc83-0567-809c-8c9b-3c93922ac8d0\",\"user_id\":\"user-1\""
#define APPROVED "\"approved\":{\"amount\":\"99.99\",\"amount_minor\":9999,\"currency\":\"USD\"}"
#define WHOLE    "{\"authorization\":{" AUTHORIZATION "," APPROVED "}}"

static struct heard hear(struct arena *arena, const char *type, const char *payload)
{
    struct delivery delivery = {
        .message =
            {
                .type = text_of(type),
                .id = uuid_make_v7(),
                .subject = uuid_make_v7(),
                .saga_id = uuid_make_v7(),
                .command_id = uuid_make_v7(),
                .tenant = TEXT("default"),
                .traceparent = TEXT("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
                .payload = text_of(payload),
            },
    };
    struct error err;
    delivery_begin(&delivery);
    return heard_read(arena, &delivery, &err);
}

static void test_heard_read__types(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        const char *payload;
        enum heard_kind kind;
        enum saga_event event;
        const char *reason;
    } CASES[] = {
        {"dev.tallystick.authorization.approved.v1", WHOLE, HEARD_START, EV_APPROVED, ""},
        {"dev.tallystick.authorization.voided.v1", WHOLE, HEARD_START, EV_HOLD_ENDED, "voided"},
        {"dev.tallystick.authorization.expired.v1", WHOLE, HEARD_START, EV_HOLD_ENDED, "expired"},
        {"dev.tallystick.authorization.reversed.v1", "{}", HEARD_ANSWER, EV_AUTH_RELEASED, ""},
        {"dev.tallystick.authorization.already_released.v1", "{}", HEARD_ANSWER, EV_AUTH_RELEASED,
         ""},
        {"dev.tallystick.ledger.hold_recorded.v1", "{}", HEARD_ANSWER, EV_HOLD_RECORDED, ""},
        {"dev.tallystick.ledger.hold_released.v1", "{}", HEARD_ANSWER, EV_HOLD_RELEASED, ""},
        {"dev.tallystick.ledger.refused.v1", "{\"hold\":{\"reason\":\"account_frozen\"}}",
         HEARD_ANSWER, EV_LEDGER_REFUSED, "account_frozen"},
        {"dev.tallystick.authorization.declined.v1", WHOLE, HEARD_NOTHING, 0, ""},
        {"dev.tallystick.authorization.approved.v2", WHOLE, HEARD_NOTHING, 0, ""},
        {"authorization.approved", WHOLE, HEARD_NOTHING, 0, ""},
    };
    struct arena *arena = arena_new(1024 * 1024);
    for (size_t at = 0; at < COUNT(CASES); at++) {
        const struct heard got = hear(arena, CASES[at].type, CASES[at].payload);
        CHECK_EQ(CASES[at].type, got.kind, CASES[at].kind);
        CHECK_EQ(CASES[at].type, got.event, CASES[at].event);
        CHECK_TEXT(CASES[at].type, got.reason, CASES[at].reason);
    }
    arena_free(arena);
}

static void test_heard_read__malformed(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        const char *type;
        const char *payload;
    } CASES[] = {
        {"no JSON", "dev.tallystick.authorization.approved.v1", "{"},
        {"no object", "dev.tallystick.authorization.approved.v1", "[]"},
        {"no authorization", "dev.tallystick.authorization.approved.v1", "{}"},
        {"an empty one", "dev.tallystick.authorization.approved.v1", "{\"authorization\":{}}"},
        {"none at all", "dev.tallystick.authorization.approved.v1", "{\"authorization\":null}"},
        {"no account", "dev.tallystick.authorization.voided.v1",
         "{\"authorization\":{\"user_id\":\"u\"," APPROVED "}}"},
        {"no user", "dev.tallystick.authorization.voided.v1",
         "{\"authorization\":{\"account_id\":\"6d61cc83-0567-809c-8c9b-3c93922ac8d0\"," APPROVED
         "}}"},
        {"no amount", "dev.tallystick.authorization.voided.v1",
         "{\"authorization\":{" AUTHORIZATION ",\"approved\":{\"currency\":\"USD\"}}}"},
        {"a negative amount", "dev.tallystick.authorization.voided.v1",
         "{\"authorization\":{" AUTHORIZATION
         ",\"approved\":{\"amount_minor\":-1,\"currency\":\"USD\"}}}"},
        {"an unknown currency", "dev.tallystick.authorization.voided.v1",
         "{\"authorization\":{" AUTHORIZATION
         ",\"approved\":{\"amount_minor\":1,\"currency\":\"ZZZ\"}}}"},
        {"a refusal of nothing", "dev.tallystick.ledger.refused.v1", "{}"},
    };
    struct arena *arena = arena_new(1024 * 1024);
    for (size_t at = 0; at < COUNT(CASES); at++) {
        const struct heard got = hear(arena, CASES[at].type, CASES[at].payload);
        CHECK_EQ(CASES[at].given, got.kind, HEARD_MALFORMED);
    }
    arena_free(arena);
}

static void test_heard_read__a_start(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1024 * 1024);
    const struct heard got = hear(arena, "dev.tallystick.authorization.approved.v1", WHOLE);
    CHECK_EQ("an approval", got.type, SAGA_AUTHORIZE);
    CHECK_EQ("an approval", got.amount_minor, 9999);
    CHECK_TEXT("an approval", got.currency, "USD");
    CHECK_TEXT("an approval", got.user_id, "user-1");
    CHECK_TEXT("an approval", text_of(got.trace.trace_id), "4bf92f3577b34da6a3ce929d0e0e4736");
    CHECK("a message without an origin", text_starts_with(got.origin_traceparent, "00-4bf92f"));
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heard_read__types),
        cmocka_unit_test(test_heard_read__malformed),
        cmocka_unit_test(test_heard_read__a_start),
    };
    return cmocka_run_group_tests_name("saga/heard", tests, NULL, NULL);
}
