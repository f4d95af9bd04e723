#include "check.h"

#include "base/arena.h"
#include "ledger/command.h"
#include "platform/messaging/delivery.h"

static const char ACCOUNT[] = "5f1c7d0e-2b3a-8c4d-9e5f-0a1b2c3d4e07";
static const char AUTHORIZATION[] = "0198c3a5-7a90-7e1b-b0c5-6d1d2f3e4a47";
static const char OTHER[] = "0198c3a5-7a90-7e1b-b0c5-6d1d2f3e4a48";
static const char TRACEPARENT[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

static struct uuid id_of(const char *hex)
{
    struct uuid id;
    assert_true(uuid_parse(text_of(hex), &id));
    return id;
}

/* What a saga sends, except where a case says otherwise. */
static struct message message_of(struct arena *arena, const char *type, const char *step,
                                 const char *op, const char *amount)
{
    return (struct message){
        .type = text_format(arena, "dev.tallystick.%s.v1", type),
        .key = id_of(ACCOUNT),
        .subject = id_of(AUTHORIZATION),
        .saga_id = id_of(OTHER),
        .command_id = id_of(OTHER),
        .tenant = TEXT("default"),
        .traceparent = text_of(TRACEPARENT),
        .payload = text_format(arena,
                               "{\"authorization_id\":\"%s\",\"account_id\":\"%s\",\"amount\":%s,"
                               "\"step\":\"%s\",\"op\":\"%s\"}",
                               AUTHORIZATION, ACCOUNT, amount, step, op),
    };
}

static enum status parse(struct arena *arena, const struct message *message,
                         struct ledger_command *command_out)
{
    struct delivery delivery = {.message = *message};
    struct error err;
    delivery_begin(&delivery);
    return ledger_command_parse(arena, &delivery, command_out, &err);
}

static const char DOLLARS[] = "{\"amount_minor\":9999,\"currency\":\"USD\"}";

static void test_ledger_command_parse__each_command(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        const char *step;
        const char *op;
        bool accepted;
        enum ledger_action then;
    } CASES[] = {
        {"ledger.record_hold", "record_hold", "do", true, LEDGER_RECORD_HOLD},
        {"ledger.release_hold", "record_hold", "undo", true, LEDGER_RELEASE_HOLD},
        {"ledger.release_hold", "release_hold", "do", true, LEDGER_RELEASE_HOLD},
        {"ledger.record_hold", "record_hold", "undo", false, 0},
        {"ledger.record_hold", "release_hold", "do", false, 0},
        {"ledger.release_hold", "record_hold", "do", false, 0},
        {"ledger.release_hold", "release_hold", "undo", false, 0},
        {"ledger.release_hold", "capture", "do", false, 0},
        {"ledger.release_hold", "release_hold", "redo", false, 0},
        {"ledger.capture", "release_hold", "do", false, 0},
        {"authorization.release", "record_hold", "undo", false, 0},
    };
    struct arena *arena = arena_new(1024 * 1024);
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct ledger_command command;
        const struct message message =
            message_of(arena, CASES[at].type, CASES[at].step, CASES[at].op, DOLLARS);
        const bool accepted = parse(arena, &message, &command) == OK;
        CHECK_EQ(CASES[at].type, accepted, CASES[at].accepted);
        if (accepted)
            CHECK_EQ(CASES[at].type, command.action, CASES[at].then);
    }
    arena_free(arena);
}

static void test_ledger_command_parse__amounts(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        const char *amount;
        int64_t then; /* 0: refused */
    } CASES[] = {
        {"the smallest", "{\"amount_minor\":1,\"currency\":\"USD\"}", 1},
        {"the largest", "{\"amount_minor\":1000000000000000,\"currency\":\"USD\"}",
         AMOUNT_MINOR_CAP},
        {"one above it", "{\"amount_minor\":1000000000000001,\"currency\":\"USD\"}", 0},
        {"zero", "{\"amount_minor\":0,\"currency\":\"USD\"}", 0},
        {"negative", "{\"amount_minor\":-1,\"currency\":\"USD\"}", 0},
        {"a fraction", "{\"amount_minor\":1.5,\"currency\":\"USD\"}", 0},
        {"a string", "{\"amount_minor\":\"1\",\"currency\":\"USD\"}", 0},
        {"no number", "{\"currency\":\"USD\"}", 0},
        {"no currency", "{\"amount_minor\":1}", 0},
        {"an unknown currency", "{\"amount_minor\":1,\"currency\":\"XYZ\"}", 0},
        {"null", "null", 0},
    };
    struct arena *arena = arena_new(1024 * 1024);
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct ledger_command command = {.amount_minor = 0};
        const struct message message =
            message_of(arena, "ledger.record_hold", "record_hold", "do", CASES[at].amount);
        const bool accepted = parse(arena, &message, &command) == OK;
        CHECK_EQ(CASES[at].given, accepted, CASES[at].then > 0);
        CHECK_EQ(CASES[at].given, command.amount_minor, CASES[at].then);
    }
    arena_free(arena);
}

static void test_ledger_command_parse__ids_that_disagree(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1024 * 1024);
    const struct message good =
        message_of(arena, "ledger.record_hold", "record_hold", "do", DOLLARS);
    struct message no_saga = good, no_command = good, other_key = good, other_subject = good;
    no_saga.saga_id = no_command.command_id = (struct uuid){{0}};
    other_key.key = other_subject.subject = id_of(OTHER);
    const struct {
        const char *given;
        const struct message *message;
        enum status then;
    } CASES[] = {
        {"all as it should be", &good, OK},
        {"no saga", &no_saga, ERR_INVALID},
        {"no command id", &no_command, ERR_INVALID},
        {"another account's key", &other_key, ERR_INVALID},
        {"another authorization's subject", &other_subject, ERR_INVALID},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct ledger_command command;
        CHECK_EQ(CASES[at].given, parse(arena, CASES[at].message, &command), CASES[at].then);
    }
    arena_free(arena);
}

static void test_ledger_command_parse__trace(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1024 * 1024);
    struct message message = message_of(arena, "ledger.record_hold", "record_hold", "do", DOLLARS);
    struct ledger_command command;
    message.origin_traceparent = TEXT("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    message.tracestate = TEXT("rojo=1");
    assert_int_equal(parse(arena, &message, &command), OK);
    CHECK_TEXT("both known", text_of(command.origin.trace_id), "0af7651916cd43dd8448eb211c80319c");
    CHECK_TEXT("both known", text_of(command.trace.trace_id), "4bf92f3577b34da6a3ce929d0e0e4736");
    CHECK("a span of its own", !text_equals_c(text_of(command.trace.span_id), "00f067aa0ba902b7"));
    CHECK_TEXT("its state goes along", command.trace.state, "rojo=1");
    message.origin_traceparent = TEXT_NONE;
    message.tracestate = TEXT("no state");
    assert_int_equal(parse(arena, &message, &command), OK);
    CHECK_TEXT("no origin", text_of(command.origin.trace_id), "4bf92f3577b34da6a3ce929d0e0e4736");
    CHECK("a state that is none", text_is_none(command.trace.state));
    message.traceparent = TEXT("garbage");
    assert_int_equal(parse(arena, &message, &command), OK);
    CHECK_EQ("no trace at all: a new one", strlen(command.origin.trace_id), TRACE_ID_SIZE);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ledger_command_parse__each_command),
        cmocka_unit_test(test_ledger_command_parse__amounts),
        cmocka_unit_test(test_ledger_command_parse__ids_that_disagree),
        cmocka_unit_test(test_ledger_command_parse__trace),
    };
    return cmocka_run_group_tests_name("ledger/command", tests, NULL, NULL);
}
