#include "check.h"

#include "base/arena.h"
#include "base/json.h"
#include "platform/log/log_line.h"

/* 2026-01-31T12:00:00.123456Z */
static const int64_t NOON_US = 1769860800123456;

static const struct trace_context TRACE = {
    .trace_id = "0af7651916cd43dd8448eb211c80319c",
    .span_id = "00f067aa0ba902b7",
};

static struct text render(bool as_json, const char *message, const struct log_field *fields)
{
    static char out[LOG_LINE_SIZE_MAX];
    const struct log_line line = {.time_us = NOON_US,
                                  .level = LOG_INFO,
                                  .service = "saga",
                                  .version = "0.1.0",
                                  .trace = &TRACE,
                                  .event = "saga.started",
                                  .message = message,
                                  .fields = fields};
    return (struct text){out, as_json ? log_line_write_json(&line, out)
                                      : log_line_write_text(&line, out)};
}

static void test_log_line_write__whole_line(void **state)
{
    (void)state;
    const struct uuid id = {{1, 2, 3}};
    const struct log_field *const fields =
        LOG_FIELDS(kv_str("word", "approved"), kv_str("words", "a b"), kv_i64("minor", -9999),
                   kv_uuid("saga_id", &id), kv_str("absent", NULL));
    CHECK_TEXT(
        "JSON", render(true, "saga started", fields),
        "{\"ts\":\"2026-01-31T12:00:00.123456Z\",\"level\":\"info\",\"msg\":\"saga started\","
        "\"svc\":\"saga\",\"ver\":\"0.1.0\","
        "\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\","
        "\"span_id\":\"00f067aa0ba902b7\",\"event\":\"saga.started\",\"word\":\"approved\","
        "\"words\":\"a b\",\"minor\":-9999,"
        "\"saga_id\":\"01020300-0000-0000-0000-000000000000\",\"absent\":\"\"}\n");
    CHECK_TEXT("text", render(false, "saga started", fields),
               "12:00:00.123456 INFO  saga.started saga started "
               "trace_id=0af7651916cd43dd8448eb211c80319c word=approved words=\"a b\" minor=-9999 "
               "saga_id=01020300-0000-0000-0000-000000000000 absent=\"\"\n");
}

static void test_log_line_write__texts(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        const char *value;
        const char *then; /* as JSON */
    } CASES[] = {
        {"a number of no card", "4111111111111112", "4111111111111112"},
        {"a card number in words", "pan 4111111111111111.", "pan ************1111."},
        {"behind a control character",
         "\x01"
         "4111111111111111",
         "\\u0001************1111"},
        {"a uuid", "01903f2e-7c1a-7000-8000-123456789012", "01903f2e-7c1a-7000-8000-123456789012"},
        {"a quote and a backslash", "a\"b\\", "a\\\"b\\\\"},
        {"a line break", "a\nb", "a\\nb"},
        {"a control character", "\x01", "\\u0001"},
        {"UTF-8", "Zürich €", "Zürich €"},
        {"a broken character", "a\xff", "a\\u003f"},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        const struct text line = render(true, "m", LOG_FIELDS(kv_str("v", CASES[at].value)));
        const char *const start = strstr(line.data, "\"v\":\"");
        assert_non_null(start);
        struct text value = text_skip(line, (size_t)(start - line.data) + 5);
        value.size -= 3; /* what ends the line */
        CHECK_TEXT(CASES[at].given, value, CASES[at].then);
    }
}

static void test_log_line_write__too_long(void **state)
{
    (void)state;
    static char long_value[4000];
    memset(long_value, '"', sizeof long_value); /* twice as long when escaped */
    const struct text value = {long_value, sizeof long_value};
    const struct log_field *const fields = LOG_FIELDS(kv_text("one", value), kv_text("two", value),
                                                      kv_i64("three", 3), kv_text("four", value));
    struct text line = render(true, "m", fields);
    struct arena *arena = arena_new(1024 * 1024);
    struct json_value json;
    struct error err;
    line.size--;
    assert_int_equal(json_parse(arena, line, &json, &err), OK);
    CHECK("what fits is there", json_get(&json, "one") != NULL);
    CHECK("what does not fit is not", json_get(&json, "four") == NULL);
    CHECK("the line says so", json_get(&json, "truncated") != NULL);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_line_write__whole_line),
        cmocka_unit_test(test_log_line_write__texts),
        cmocka_unit_test(test_log_line_write__too_long),
    };
    return cmocka_run_group_tests_name("platform/log_line", tests, NULL, NULL);
}
