#include "check.h"

#include "base/arena.h"
#include "base/json.h"

static void test_json_add_string__escapes(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        struct text value;
        const char *then;
    } CASES[] = {
        {"none", TEXT_NONE, "\"\""},
        {"letters", TEXT("abc/"), "\"abc/\""},
        {"quotes", TEXT("a\"b\\c"), "\"a\\\"b\\\\c\""},
        {"control characters", TEXT("\b\t\n\f\r\1\x1f"), "\"\\b\\t\\n\\f\\r\\u0001\\u001f\""},
        {"NUL", TEXT("a\0b"),
         "\"a\xef\xbf\xbd"
         "b\""},
        {"UTF-8", TEXT("\xc3\xa9\xf0\x9f\x98\x80"), "\"\xc3\xa9\xf0\x9f\x98\x80\""},
        {"a stray byte", TEXT("a\xff z"), "\"a\xef\xbf\xbd z\""},
        {"a cut character", TEXT("a\xe2\x82"), "\"a\xef\xbf\xbd\xef\xbf\xbd\""},
        {"a surrogate", TEXT("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    struct arena *const arena = arena_new(1024 * 1024);
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct text_builder out;
        text_builder_init(&out, arena, 1);
        json_add_string(&out, CASES[at].value);
        CHECK_TEXT(CASES[at].given, text_builder_text(&out), CASES[at].then);
    }
    arena_free(arena);
}

static void test_json_write_i64__bounds(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        int64_t value;
        const char *then;
    } CASES[] = {
        {"zero", 0, "0"},
        {"one digit", 7, "7"},
        {"a negative", -42, "-42"},
        {"the largest", INT64_MAX, "9223372036854775807"},
        {"the smallest", INT64_MIN, "-9223372036854775808"},
    };
    struct arena *const arena = arena_new(1024 * 1024);
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct text_builder out;
        struct json_writer w;
        text_builder_init(&out, arena, 1);
        json_writer_init(&w, &out);
        json_write_i64(&w, NULL, CASES[at].value);
        CHECK_TEXT(CASES[at].given, text_builder_text(&out), CASES[at].then);
    }
    arena_free(arena);
}

static void test_json_writer__nested(void **state)
{
    (void)state;
    struct arena *const arena = arena_new(1024 * 1024);
    struct uuid id = {.bytes = {1, 2, 3}};
    struct text_builder out;
    struct json_writer w;
    text_builder_init(&out, arena, 1);
    json_writer_init(&w, &out);
    json_begin_object(&w, NULL);
    json_write_text(&w, "a", TEXT("x\"y"));
    json_begin_array(&w, "b\n");
    json_write_bool(&w, NULL, true);
    json_write_bool(&w, NULL, false);
    json_write_null(&w, NULL);
    json_begin_object(&w, NULL);
    json_end_object(&w);
    json_begin_array(&w, NULL);
    json_end_array(&w);
    json_end_array(&w);
    json_write_uuid(&w, "id", &id);
    json_write_time(&w, "at", 0);
    json_write_raw(&w, "raw", TEXT("{\"k\":1}"));
    json_end_object(&w);
    CHECK_TEXT("every kind of value", text_builder_text(&out),
               "{\"a\":\"x\\\"y\",\"b\\n\":[true,false,null,{},[]],"
               "\"id\":\"01020300-0000-0000-0000-000000000000\","
               "\"at\":\"1970-01-01T00:00:00.000000Z\",\"raw\":{\"k\":1}}");
    struct json_value value;
    CHECK("what the reader accepts",
          json_parse(arena, text_builder_text(&out), &value, NULL) == OK);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_add_string__escapes),
        cmocka_unit_test(test_json_write_i64__bounds),
        cmocka_unit_test(test_json_writer__nested),
    };
    return cmocka_run_group_tests_name("base/json_write", tests, NULL, NULL);
}
