#include "message_sample.h"

static void test_message_write_headers__fixed_form(void **state)
{
    (void)state;
    const struct message message = sample();
    CHECK_TEXT("a message of a saga", message_write_headers(arena, &message),
               "{\"content-type\":\"application/json\",\"ce_specversion\":\"1.0\","
               "\"ce_id\":\"0192f0c0-0000-7000-8000-000000000001\","
               "\"ce_source\":\"/tallystick/authorization\","
               "\"ce_type\":\"dev.tallystick.authorization.approved.v1\","
               "\"ce_dataschema\":\"urn:tallystick:event:authorization.approved.v1\","
               "\"ce_subject\":\"0192f0c0-0000-7000-8000-00000000006a\","
               "\"ce_time\":\"2023-11-14T22:13:20.000001Z\","
               "\"ce_partitionkey\":\"00000000-0000-8000-8000-00000000002a\","
               "\"ce_sequence\":\"00000000000000000007\",\"ce_tenantid\":\"default\","
               "\"ce_sagaid\":\"0192f0c0-0000-7000-8000-000000000003\","
               "\"traceparent\":\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\","
               "\"tracestate\":\"rojo=1,congo=2\",\"ce_tracestate\":\"rojo=1,congo=2\"}");
}

static void test_message_parse_headers__round_trip(void **state)
{
    (void)state;
    const struct message before = sample();
    struct message after = {.topic = TEXT("kept"), .offset = 5};
    struct error err;
    assert_int_equal(
        message_parse_headers(arena, message_write_headers(arena, &before), &after, &err), OK);
    CHECK("the id", uuid_equals(&after.id, &before.id));
    CHECK("the key", uuid_equals(&after.key, &before.key));
    CHECK("the subject", uuid_equals(&after.subject, &before.subject));
    CHECK("the saga", uuid_equals(&after.saga_id, &before.saga_id));
    CHECK("no command", uuid_is_nil(&after.command_id));
    CHECK("the type", text_equals(after.type, before.type));
    CHECK("the source", text_equals(after.source, before.source));
    CHECK("the tenant", text_equals(after.tenant, before.tenant));
    CHECK("the trace", text_equals(after.traceparent, before.traceparent));
    CHECK("its state", text_equals(after.tracestate, before.tracestate));
    CHECK("no origin", text_is_none(after.origin_traceparent));
    CHECK_EQ("the time", after.time_us, before.time_us);
    CHECK_EQ("the sequence", after.sequence, before.sequence);
    CHECK_TEXT("what is no header", after.topic, "kept");
    CHECK_EQ("what is no header", after.offset, 5);
}

/* The sample's headers with one text exchanged for another. */
static struct text exchange(const char *this, const char *that)
{
    const struct message message = sample();
    const char *start = text_to_c(arena, message_write_headers(arena, &message));
    const char *at = strstr(start, this);
    assert_non_null(at);
    return text_format(arena, "%.*s%s%s", (int)(at - start), start, that, at + strlen(this));
}

static void test_message_parse_headers__malformed(void **state)
{
    (void)state;
    static const struct {
        const char *given, *this, *that, *then;
    } CASES[] = {
        {"no JSON", "{", "", NULL},
        {"another version", "\"1.0\"", "\"0.3\"",
         "header 'ce_specversion' is missing or malformed"},
        {"no id", "ce_id", "ce_di", "header 'ce_id' is missing or malformed"},
        {"an id that is none", "0192f0c0-0000-7000-8000-000000000001", "1",
         "header 'ce_id' is missing or malformed"},
        {"an empty type", "dev.tallystick.authorization.approved.v1", "",
         "header 'ce_type' is missing or malformed"},
        {"a number as a source", "\"/tallystick/authorization\"", "1",
         "header 'ce_source' is missing or malformed"},
        {"no key", "ce_partitionkey", "key", "header 'ce_partitionkey' is missing or malformed"},
        {"a day as a time", "2023-11-14T22:13:20.000001Z", "2023-11-14",
         "header 'ce_time' is missing or malformed"},
        {"a negative sequence", "00000000000000000007", "-7",
         "header 'ce_sequence' is missing or malformed"},
        {"a saga that is none", "0192f0c0-0000-7000-8000-000000000003", "x",
         "header 'ce_sagaid' is missing or malformed"},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct message message = {.offset = 5};
        struct error err = {.message = ""};
        const struct text headers = exchange(CASES[at].this, CASES[at].that);
        CHECK_EQ(CASES[at].given, message_parse_headers(arena, headers, &message, &err),
                 ERR_INVALID);
        CHECK(CASES[at].given, uuid_is_nil(&message.id)); /* nothing was written */
        if (CASES[at].then != NULL)
            CHECK_TEXT(CASES[at].given, text_of(err.message), CASES[at].then);
    }
}

static void test_message_event_name__types(void **state)
{
    (void)state;
    static const struct {
        const char *given, *type, *then;
    } CASES[] = {
        {"one of ours", "dev.tallystick.ledger.hold_recorded.v1", "ledger.hold_recorded"},
        {"somebody else's", "com.example.thing.v1", ""},
        {"another version", "dev.tallystick.ledger.hold_recorded.v2", ""},
        {"nothing between", "dev.tallystick..v1", ""},
        {"nothing at all", "", ""},
    };
    for (size_t at = 0; at < COUNT(CASES); at++)
        CHECK_TEXT(CASES[at].given, message_event_name(text_of(CASES[at].type)), CASES[at].then);
    CHECK_TEXT("a name", message_type_of(arena, TEXT("saga.stuck")),
               "dev.tallystick.saga.stuck.v1");
}

static void test_message_parse_headers__without_a_schema(void **state)
{
    (void)state;
    struct message message = {.offset = 5};
    struct error err = {.message = ""};
    const struct text headers =
        exchange("\"ce_dataschema\":\"urn:tallystick:event:authorization.approved.v1\",", "");
    CHECK_EQ("headers from elsewhere", message_parse_headers(arena, headers, &message, &err), OK);
    CHECK_EQ("headers from elsewhere", message.sequence, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message_write_headers__fixed_form),
        cmocka_unit_test(test_message_parse_headers__round_trip),
        cmocka_unit_test(test_message_parse_headers__malformed),
        cmocka_unit_test(test_message_parse_headers__without_a_schema),
        cmocka_unit_test(test_message_event_name__types),
    };
    return cmocka_run_group_tests_name("platform/message", tests, make_arena, free_arena);
}
