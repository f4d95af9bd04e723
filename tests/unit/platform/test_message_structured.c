#include "message_sample.h"

#include "platform/bus/message_structured.h"

/* The sample as the answer to a command of somebody's trace: with all attributes that there are. */
static struct message answer(void)
{
    struct message message = sample();
    message.command_id = id_of("0192f0c0-0000-7000-8000-000000000004");
    message.origin_traceparent = TEXT("00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01");
    message.payload = TEXT("{\"amount\": 99.90, \"note\":\"\\u00fc\"}");
    return message;
}

static struct text written(const struct message *message)
{
    struct text body = TEXT_NONE;
    struct error err = {.message = ""};
    if (message_write_structured(arena, message, &body, &err) != OK)
        fail_msg("writing: %s", err.message);
    return body;
}

static void test_message_write_structured__fixed_form(void **state)
{
    (void)state;
    const struct message message = answer();
    CHECK_TEXT("a command's answer", written(&message),
               "{\"datacontenttype\":\"application/json\",\"specversion\":\"1.0\","
               "\"id\":\"0192f0c0-0000-7000-8000-000000000001\","
               "\"source\":\"/tallystick/authorization\","
               "\"type\":\"dev.tallystick.authorization.approved.v1\","
               "\"dataschema\":\"urn:tallystick:event:authorization.approved.v1\","
               "\"subject\":\"0192f0c0-0000-7000-8000-00000000006a\","
               "\"time\":\"2023-11-14T22:13:20.000001Z\","
               "\"partitionkey\":\"00000000-0000-8000-8000-00000000002a\","
               "\"sequence\":\"00000000000000000007\",\"tenantid\":\"default\","
               "\"sagaid\":\"0192f0c0-0000-7000-8000-000000000003\","
               "\"commandid\":\"0192f0c0-0000-7000-8000-000000000004\","
               "\"producertraceparent\":"
               "\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\","
               "\"producertracestate\":\"rojo=1,congo=2\","
               "\"traceparent\":\"00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01\","
               "\"tracestate\":\"rojo=1,congo=2\","
               "\"data\":{\"amount\": 99.90, \"note\":\"\\u00fc\"}}");
}

/* Headers as a dead letter has them, more than a message's own. */
#define DEAD                                                                                       \
    "{\"content-type\":\"application/json\",\"ce_specversion\":\"1.0\","                           \
    "\"ce_id\":\"0192f0c0-0000-7000-8000-000000000001\",\"ce_source\":\"/s\",\"ce_type\":\"t\","   \
    "\"ce_subject\":\"0192f0c0-0000-7000-8000-00000000006a\","                                     \
    "\"ce_time\":\"2023-11-14T22:13:20.000001Z\","                                                 \
    "\"ce_partitionkey\":\"00000000-0000-8000-8000-00000000002a\",\"ce_sequence\":\"7\","          \
    "\"ce_anothers\":\"of \\\"others\\\" \xc3\xbc\","                                              \
    "\"x-dlq-original-topic\":\"a.b\",\"x-dlq-original-partition\":\"3\","                         \
    "\"x-dlq-original-offset\":\"4\",\"x-dlq-original-timestamp\":\"5\","                          \
    "\"x-dlq-consumer-group\":\"ledger\",\"x-dlq-attempts\":\"6\","                                \
    "\"x-dlq-first-failed-at\":\"7\",\"x-dlq-last-failed-at\":\"8\","                              \
    "\"x-dlq-error-class\":\"schema\",\"x-dlq-error-code\":\"9\","                                 \
    "\"x-dlq-error-message\":\"because\",\"x-dlq-service-version\":\"10\","                        \
    "\"x-dlq-trace-id\":\"11\",\"x-dlq-redrive-count\":\"0\",\"x-dlq-redrive-id\":\"12\"}"

/* The headers come out as the other buses have them, the payload byte by byte. */
static void test_message_parse_structured__same_headers(void **state)
{
    (void)state;
    struct message plain = answer(), bare = answer(), dead = answer();
    bare.saga_id = bare.command_id = (struct uuid){{0}};
    bare.tenant = bare.traceparent = bare.origin_traceparent = bare.tracestate = TEXT_NONE;
    dead.headers = TEXT(DEAD);
    const struct {
        const char *given;
        const struct message *message;
        struct text headers;
    } CASES[] = {
        {"all attributes", &plain, message_write_headers(arena, &plain)},
        {"those that must be", &bare, message_write_headers(arena, &bare)},
        {"a dead letter", &dead, dead.headers},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct message after = {.topic = TEXT("kept"), .offset = 5};
        struct error err = {.message = ""};
        const enum status status =
            message_parse_structured(arena, written(CASES[at].message), &after, &err);
        if (status != OK)
            fail_msg("given %s: %s", CASES[at].given, err.message);
        CHECK_TEXT(CASES[at].given, after.headers, text_to_c(arena, CASES[at].headers));
        CHECK_TEXT(CASES[at].given, after.payload, text_to_c(arena, CASES[at].message->payload));
        CHECK(CASES[at].given, uuid_equals(&after.id, &CASES[at].message->id));
        CHECK(CASES[at].given, uuid_equals(&after.key, &CASES[at].message->key));
        CHECK_EQ(CASES[at].given, after.sequence, 7);
        CHECK_TEXT(CASES[at].given, after.topic, "kept");
    }
}

static void test_message_write_structured__refused(void **state)
{
    (void)state;
    static const struct {
        const char *given, *headers;
    } CASES[] = {
        {"headers that are no JSON", "x"},
        {"headers that are no object", "[]"},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct message message = answer();
        struct text body = TEXT("untouched");
        struct error err;
        message.headers = text_of(CASES[at].headers);
        CHECK_EQ(CASES[at].given, message_write_structured(arena, &message, &body, &err),
                 ERR_INVALID);
        CHECK_TEXT(CASES[at].given, body, "untouched");
    }
}

static void test_message_write_structured__payload(void **state)
{
    (void)state;
    static const struct {
        const char *given, *payload, *then;
    } CASES[] = {
        {"an object", " {\"a\": 1.50} ", "{\"data\":{\"a\": 1.50}}"},
        {"a text", "\"a\"", "{\"data\":\"a\"}"},
        {"no JSON", "{\"a", "{\"data\":\"{\\\"a\"}"},
        {"nothing", "", "{\"data\":\"\"}"},
        {"two values", "1,2", "{\"data\":\"1,2\"}"},
        {"values in brackets of its own", "1],[2", "{\"data\":\"1],[2\"}"},
        {"as deep as it can be read", "[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]",
         "{\"data\":[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]}"},
        {"deeper", "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]",
         "{\"data\":\"[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]\"}"},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        const struct message message = {.headers = TEXT("{}"),
                                        .payload = text_of(CASES[at].payload)};
        CHECK_TEXT(CASES[at].given, written(&message), CASES[at].then);
    }
}

static void test_message_write_structured__names_that_do_not_fit(void **state)
{
    (void)state;
    static const struct {
        const char *given, *headers, *then;
    } CASES[] = {
        {"a header of others", "{\"x-other\":\"1\"}", "{\"data\":{}}"},
        {"a capital letter", "{\"ce_Other\":\"1\"}", "{\"data\":{}}"},
        {"an underscore", "{\"ce_an_other\":\"1\"}", "{\"data\":{}}"},
        {"no name", "{\"ce_\":\"1\"}", "{\"data\":{}}"},
        {"the payload's own name", "{\"ce_data\":\"1\"}", "{\"data\":{}}"},
        {"a name that is taken", "{\"ce_dlqattempts\":\"1\",\"x-dlq-attempts\":\"2\"}",
         "{\"dlqattempts\":\"2\",\"data\":{}}"},
        {"no text", "{\"ce_count\":1,\"ce_list\":[]}", "{\"data\":{}}"},
        {"an extension of others", "{\"ce_other2\":\"1\"}", "{\"other2\":\"1\",\"data\":{}}"},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        const struct message message = {.headers = text_of(CASES[at].headers),
                                        .payload = TEXT("{}")};
        CHECK_TEXT(CASES[at].given, written(&message), CASES[at].then);
    }
}

static void test_message_parse_structured__refused(void **state)
{
    (void)state;
    static const struct {
        const char *given, *body, *headers, *payload;
    } CASES[] = {
        {"no JSON", "hello", NULL, NULL},
        {"no object", "[1]", NULL, NULL},
        {"an attribute twice", "{\"id\":\"1\",\"id\":\"2\",\"data\":{}}", NULL, NULL},
        {"no data", "{\"specversion\":\"1.0\"}", "{\"ce_specversion\":\"1.0\"}", "null"},
        {"another version", "{\"specversion\":\"0.3\",\"data\":[]}", "{\"ce_specversion\":\"0.3\"}",
         "[]"},
        {"a number and a null", "{\"specversion\":1.0,\"id\":null,\"data\":1}",
         "{\"ce_specversion\":\"1.0\"}", "1"},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct message message = {.partition = 5};
        struct error err;
        CHECK_EQ(CASES[at].given,
                 message_parse_structured(arena, text_of(CASES[at].body), &message, &err),
                 ERR_INVALID);
        CHECK_TEXT(CASES[at].given, message.headers, CASES[at].headers ? CASES[at].headers : "");
        CHECK_TEXT(CASES[at].given, message.payload, CASES[at].payload ? CASES[at].payload : "");
        CHECK_EQ(CASES[at].given, message.partition, 5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message_write_structured__fixed_form),
        cmocka_unit_test(test_message_write_structured__refused),
        cmocka_unit_test(test_message_write_structured__payload),
        cmocka_unit_test(test_message_write_structured__names_that_do_not_fit),
        cmocka_unit_test(test_message_parse_structured__same_headers),
        cmocka_unit_test(test_message_parse_structured__refused),
    };
    return cmocka_run_group_tests_name("platform/message_structured", tests, make_arena,
                                       free_arena);
}
