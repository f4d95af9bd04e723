#include "check.h"

#include "base/arena.h"
#include "base/json.h"

static struct arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new(64 * 1024 * 1024);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static enum status parse(struct text input, struct json_value *value_out, struct error *err)
{
    return json_parse(arena, input, value_out, err);
}

static struct json_value parse_good(const char *given, const char *input)
{
    struct json_value value = {.type = JSON_NULL};
    struct error err = {.status = OK};
    if (parse(text_of(input), &value, &err) != OK)
        fail_msg("given %s: refused with '%s'", given, err.message);
    return value;
}

static const struct {
    const char *given;
    struct text input;
    const char *then;
} REFUSED[] = {
    {"nothing", TEXT(""), "not valid JSON: it is empty"},
    {"blanks", TEXT("  "), "not valid JSON at byte 2: it ends too early"},
    {"no value after a name", TEXT("{\"a\":}"), "not valid JSON at byte 6: a value is missing"},
    {"no name", TEXT("{1:2}"), "not valid JSON at byte 2: a member name is missing"},
    {"no colon", TEXT("{\"a\" 1}"), "not valid JSON at byte 6: a colon is missing"},
    {"no comma", TEXT("[1 2]"), "not valid JSON at byte 4: a comma or ] is missing"},
    {"a comma too many", TEXT("[1,]"), "not valid JSON at byte 4: a value is missing"},
    {"an open object", TEXT("{\"a\":1"), "not valid JSON at byte 6: it ends too early"},
    {"an open string", TEXT("\"a"), "not valid JSON at byte 2: it ends too early"},
    {"an open escape", TEXT("\"\\"), "not valid JSON at byte 2: no such escape"},
    {"a cut code unit", TEXT("\"\\ud8"), "not valid JSON at byte 2: no such escape"},
    {"trailing garbage", TEXT("{}x"), "not valid JSON at byte 3: something follows the value"},
    {"an open string behind", TEXT("{} \""),
     "not valid JSON at byte 4: something follows the value"},
    {"an open string behind a string", TEXT("\"x\"\"y"),
     "not valid JSON at byte 4: something follows the value"},
    {"an open string behind a number", TEXT("1\""),
     "not valid JSON at byte 2: something follows the value"},
    {"two values", TEXT("{} {}"), "not valid JSON at byte 4: something follows the value"},
    {"a comment", TEXT("1//x"), "not valid JSON at byte 2: something follows the value"},
    {"a comment first", TEXT("//x"), "not valid JSON at byte 1: no value begins like this"},
    {"NaN", TEXT("{\"a\":NaN}"), "not valid JSON at byte 6: no value begins like this"},
    {"Infinity", TEXT("Infinity"), "not valid JSON at byte 1: no value begins like this"},
    {"a plus", TEXT("+1"), "not valid JSON at byte 1: no value begins like this"},
    {"a leading dot", TEXT(".5"), "not valid JSON at byte 1: no value begins like this"},
    {"a leading zero", TEXT("01"), "not valid JSON at byte 2: something follows the value"},
    {"a minus alone", TEXT("-"), "not valid JSON at byte 1: it ends too early"},
    {"a minus before a letter", TEXT("[-x]"), "not valid JSON at byte 3: a digit is missing"},
    {"a point without decimals", TEXT("[1.]"), "not valid JSON at byte 4: a digit is missing"},
    {"an exponent without digits", TEXT("[1e+]"), "not valid JSON at byte 5: a digit is missing"},
    {"a word", TEXT("[trux]"), "not valid JSON at byte 2: a word other than true, false and null"},
    {"a byte order mark", TEXT("\xef\xbb\xbf{}"),
     "not valid JSON at byte 1: no value begins like this"},
    {"a strange escape", TEXT("\"\\x\""), "not valid JSON at byte 2: no such escape"},
    {"a strange code unit", TEXT("\"\\u12g4\""), "not valid JSON at byte 2: no such escape"},
    {"a byte of NUL", TEXT("{\"a\":\"b\0\"}"), "not valid JSON at byte 8: the character NUL"},
    {"an escaped NUL", TEXT("\"\\u0000\""), "not valid JSON at byte 2: the character NUL"},
    {"a line end in a string", TEXT("\"a\nb\""), "not valid JSON at byte 3: a control character"},
    {"a bell", TEXT("\"a\ab\""), "not valid JSON at byte 3: a control character"},
    {"a form feed between", TEXT("[1,\f2]"), "not valid JSON at byte 4: a control character"},
    {"a lone high surrogate", TEXT("\"\\ud800\""),
     "not valid JSON at byte 2: half of a surrogate pair"},
    {"a lone low surrogate", TEXT("\"\\udc00\""),
     "not valid JSON at byte 2: half of a surrogate pair"},
    {"two high surrogates", TEXT("\"\\ud83d\\ud83d\\ude00\""),
     "not valid JSON at byte 2: half of a surrogate pair"},
    {"a surrogate in a name", TEXT("{\"\\uD83D\":1}"),
     "not valid JSON at byte 3: half of a surrogate pair"},
    {"a surrogate in UTF-8", TEXT("\"\xed\xa0\x80\""),
     "not valid JSON at byte 2: bytes that are not UTF-8"},
    {"an overlong character", TEXT("\"\xc0\x80\""),
     "not valid JSON at byte 2: bytes that are not UTF-8"},
    {"a stray byte", TEXT("\"\xff\""), "not valid JSON at byte 2: bytes that are not UTF-8"},
    {"beyond the last character", TEXT("\"\xf5\x80\x80\x80\""),
     "not valid JSON at byte 2: bytes that are not UTF-8"},
    {"a cut character", TEXT("\"\xe2\x82\""), "not valid JSON at byte 2: bytes that are not UTF-8"},
    {"a member twice", TEXT("{\"a\":1,\"b\":2,\"a\":3}"),
     "not valid JSON at byte 18: the member 'a' again"},
    {"a member twice, once escaped", TEXT("{\"a\":1,\"\\u0061\":3}"),
     "not valid JSON at byte 17: the member 'a' again"},
    {"an inner member twice", TEXT("[{\"x\":{\"\":1,\"\":2}}]"),
     "not valid JSON at byte 16: the member '' again"},
};

static void test_json_parse__refused(void **state)
{
    (void)state;
    for (size_t at = 0; at < COUNT(REFUSED); at++) {
        struct json_value value = {.count = 77};
        struct error err = {.status = OK};
        CHECK_EQ(REFUSED[at].given, parse(REFUSED[at].input, &value, &err), ERR_INVALID);
        CHECK_TEXT(REFUSED[at].given, text_of(err.message), REFUSED[at].then);
        CHECK_EQ(REFUSED[at].given, value.count, 77);
        CHECK_EQ(REFUSED[at].given, parse(REFUSED[at].input, &value, NULL), ERR_INVALID);
    }
}

static void test_json_parse__numbers_keep_their_text(void **state)
{
    (void)state;
    static const char *const NUMBERS[] = {
        "0",      "-0", "99.99", "99.990", "1e2", "1E+05", "1e999999", "-1", "12345678901234567890",
        "0.1e-7",
    };
    for (size_t at = 0; at < COUNT(NUMBERS); at++) {
        const char *const number = NUMBERS[at];
        struct json_value value = parse_good(number, number);
        CHECK_EQ(number, value.type, JSON_NUMBER);
        CHECK_TEXT(number, value.text, number);
        CHECK_TEXT(number, value.source, number);

        const struct text member = text_format(arena, " { \"n\" : %s\n}\t", number);
        value = parse_good(number, text_to_c(arena, member));
        CHECK_TEXT(number, value.members[0].value.text, number);

        const struct text padded = text_format(arena, "\r\n %s ", number);
        value = parse_good(number, text_to_c(arena, padded));
        CHECK_TEXT(number, value.source, number);
    }
}

static void test_json_parse__strings(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        const char *input;
        const char *then;
    } CASES[] = {
        {"nothing in it", "\"\"", ""},
        {"letters", "\"abc\"", "abc"},
        {"every short escape", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
        {"a code unit", "\"\\u00e9\\u20AC\"", "\xc3\xa9\xe2\x82\xac"},
        {"a surrogate pair", "\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80"},
        {"the last character", "\"\\udbff\\udfff\"", "\xf4\x8f\xbf\xbf"},
        {"UTF-8", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
         "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"an escaped backslash before u", "\"\\\\ud800\"", "\\ud800"},
        {"DEL", "\"\x7f\"", "\x7f"},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        const struct json_value value = parse_good(CASES[at].given, CASES[at].input);
        CHECK_EQ(CASES[at].given, value.type, JSON_STRING);
        CHECK_TEXT(CASES[at].given, value.text, CASES[at].then);
        CHECK_TEXT(CASES[at].given, value.source, CASES[at].input);
    }
}

static void test_json_parse__sources(void **state)
{
    (void)state;
    const struct json_value value =
        parse_good("all types",
                   " {\"a\" : null ,\"b\":[ true,false , {\"c\\n\":\"d\\t\"} , [ ] ],\"e\":{ } } ");
    CHECK_EQ("the outermost", value.count, 3);
    CHECK_TEXT("the outermost", value.source,
               "{\"a\" : null ,\"b\":[ true,false , {\"c\\n\":\"d\\t\"} , [ ] ],\"e\":{ } }");
    CHECK_TEXT("null", value.members[0].value.source, "null");
    CHECK_EQ("null", value.members[0].value.type, JSON_NULL);
    const struct json_value *const array = &value.members[1].value;
    CHECK_TEXT("an array", array->source, "[ true,false , {\"c\\n\":\"d\\t\"} , [ ] ]");
    CHECK_EQ("an array", array->count, 4);
    CHECK_TEXT("true", array->items[0].source, "true");
    CHECK_EQ("true", array->items[0].type, JSON_TRUE);
    CHECK_TEXT("false", array->items[1].source, "false");
    CHECK_EQ("false", array->items[1].type, JSON_FALSE);
    CHECK_TEXT("an inner object", array->items[2].source, "{\"c\\n\":\"d\\t\"}");
    CHECK_TEXT("an escaped name", array->items[2].members[0].name, "c\n");
    CHECK_TEXT("an escaped string", array->items[2].members[0].value.source, "\"d\\t\"");
    CHECK_TEXT("an empty array", array->items[3].source, "[ ]");
    CHECK_EQ("an empty array", array->items[3].count, 0);
    CHECK_TEXT("an outer name after inner ones", value.members[1].name, "b");
    CHECK_TEXT("an empty object", value.members[2].value.source, "{ }");
}

static void test_json_parse__depth(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        size_t depth;
        enum status then;
    } CASES[] = {
        {"one below", JSON_DEPTH_MAX - 1, OK},
        {"the deepest", JSON_DEPTH_MAX, OK},
        {"one too deep", JSON_DEPTH_MAX + 1, ERR_INVALID},
        {"very deep", 60000, ERR_INVALID},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        const size_t depth = CASES[at].depth;
        char *const input = arena_alloc(arena, 2 * depth);
        memset(input, '[', depth);
        memset(input + depth, ']', depth);
        struct json_value value;
        struct error err = {.status = OK};
        const enum status got = parse((struct text){input, 2 * depth}, &value, &err);
        CHECK_EQ(CASES[at].given, got, CASES[at].then);
        if (got != OK)
            CHECK_TEXT(CASES[at].given, text_of(err.message),
                       "not valid JSON at byte 17: nested too deep");
    }
}

/* An array of `count` zeros has one value more than items. */
static struct text write_zeros(size_t count)
{
    char *const input = arena_alloc(arena, 2 * count + 1);
    for (size_t at = 0; at < count; at++) {
        input[2 * at] = at == 0 ? '[' : ',';
        input[2 * at + 1] = '0';
    }
    input[2 * count] = ']';
    return (struct text){input, 2 * count + 1};
}

static void test_json_parse__too_many_values(void **state)
{
    (void)state;
    struct json_value value;
    struct error err = {.status = OK};
    CHECK_EQ("as many as allowed", parse(write_zeros(JSON_VALUES_MAX - 1), &value, NULL), OK);
    CHECK_EQ("one too many", parse(write_zeros(JSON_VALUES_MAX), &value, &err), ERR_INVALID);
    CHECK_TEXT("one too many", text_of(err.message),
               "not valid JSON at byte 131073: too many values");
    CHECK_EQ("a megabyte of them", parse(write_zeros(512 * 1024), &value, &err), ERR_INVALID);
}

static void test_json_parse__many_members(void **state)
{
    (void)state;
    struct text_builder b;
    text_builder_init(&b, arena, 16);
    for (int at = 0; at < 5000; at++)
        text_builder_add_format(&b, "%c\"m%d\":[%d,%d]", at == 0 ? '{' : ',', at, at, at);
    struct text_builder twice = b;
    text_builder_add_c(&b, "}");
    struct json_value value;
    CHECK_EQ("5000 members", parse(text_builder_text(&b), &value, NULL), OK);
    CHECK_EQ("5000 members", value.count, 5000);
    CHECK_TEXT("the last", value.members[4999].value.source, "[4999,4999]");
    text_builder_add_c(&twice, ",\"m17\":0}");
    CHECK_EQ("one of them again", parse(text_builder_text(&twice), &value, NULL), ERR_INVALID);
}

static void test_json_parse__long_name_in_message(void **state)
{
    (void)state;
    struct text_builder b;
    text_builder_init(&b, arena, 16);
    for (int time = 0; time < 2; time++) {
        text_builder_add_c(&b, time == 0 ? "{\"x" : ",\"x");
        for (int at = 0; at < 200; at++)
            text_builder_add_c(&b, "\xc3\xa9");
        text_builder_add_c(&b, "\":1");
    }
    text_builder_add_c(&b, "}");
    struct json_value value;
    struct error err = {.status = OK};
    CHECK_EQ("a long name twice", parse(text_builder_text(&b), &value, &err), ERR_INVALID);
    CHECK_EQ("a name cut between characters", strlen(err.message),
             strlen("not valid JSON at byte 813: the member '' again") + 63);
}

static void test_json_get__values(void **state)
{
    (void)state;
    const struct json_value value =
        parse_good("an object", "{\"t\":\"x\",\"n\":42,\"m\":-7,\"z\":-0,\"f\":1.5,\"e\":1e2,"
                                "\"big\":9223372036854775808,"
                                "\"id\":\"01890A5D-ac96-774b-bcce-b302099a8057\",\"no\":null}");
    CHECK_TEXT("a string", json_get_text(&value, "t"), "x");
    CHECK("a number for a string", text_is_none(json_get_text(&value, "n")));
    CHECK("nothing", json_get(&value, "q") == NULL);
    CHECK("no object", json_get(&value.members[0].value, "t") == NULL);
    CHECK("within nothing", text_is_none(json_get_text(json_get(&value, "q"), "t")));
    static const struct {
        const char *given;
        bool accepted;
        int64_t then;
    } NUMBERS[] = {
        {"n", true, 42},   {"m", true, -7}, {"z", true, 0},   {"f", false, 0},      {"e", false, 0},
        {"big", false, 0}, {"t", false, 0}, {"no", false, 0}, {"absent", false, 0},
    };
    for (size_t at = 0; at < COUNT(NUMBERS); at++) {
        int64_t got = 0;
        CHECK_EQ(NUMBERS[at].given, json_get_i64(&value, NUMBERS[at].given, &got),
                 NUMBERS[at].accepted);
        CHECK_EQ(NUMBERS[at].given, got, NUMBERS[at].then);
    }
    struct uuid id;
    CHECK("an id", json_get_uuid(&value, "id", &id));
    CHECK("no id", !json_get_uuid(&value, "t", &id));
    CHECK("an absent id", !json_get_uuid(&value, "absent", &id));
}

static void test_json_canonical__golden(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        const char *input;
        const char *then;
    } CASES[] = {
        {"blanks", " { \"b\" : 1 ,\n\"a\" : [ 1 , 2 ] } ", "{\"a\":[1,2],\"b\":1}"},
        {"nothing inside", "{\"b\":{ },\"a\":[ ]}", "{\"a\":[],\"b\":{}}"},
        {"words", "[ true , false , null ]", "[true,false,null]"},
        {"numbers as they are", "[1.0,1,1e2,-0]", "[1.0,1,1e2,-0]"},
        {"prefixes", "{\"aa\":1,\"a\":2,\"\":3}", "{\"\":3,\"a\":2,\"aa\":1}"},
        {"capitals first", "{\"a\":1,\"B\":2}", "{\"B\":2,\"a\":1}"},
        {"inner objects", "{\"z\":[{\"d\":1,\"c\":2}],\"y\":0}",
         "{\"y\":0,\"z\":[{\"c\":2,\"d\":1}]}"},
        {"needless escapes", "\"\\u0061\\/\\u00e9\"", "\"a/\xc3\xa9\""},
        {"needed escapes", "\"\\u0008\\u0009\\u000A\\u000c\\u000d\\u0022\\u005c\\u000F\\u001f\"",
         "\"\\b\\t\\n\\f\\r\\\"\\\\\\u000f\\u001f\""},
        {"DEL and the line separator", "\"\\u007f\\u2028\"", "\"\x7f\xe2\x80\xa8\""},
        {"a pair", "\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\""},
        /* RFC 8785, 3.2.3: by UTF-16 code units, so U+1F600 (D83D ...) before U+FB33. */
        {"names of the standard's example",
         "{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\","
         "\"\\ufb33\":\"Hebrew Letter Dalet With Dagesh\",\"1\":\"One\","
         "\"\\ud83d\\ude00\":\"Emoji: Grinning Face\",\"\\u0080\":\"Control\","
         "\"\\u00f6\":\"Latin Small Letter O With Diaeresis\"}",
         "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\","
         "\"\xc3\xb6\":\"Latin Small Letter O With Diaeresis\",\"\xe2\x82\xac\":\"Euro Sign\","
         "\"\xf0\x9f\x98\x80\":\"Emoji: Grinning Face\","
         "\"\xef\xac\xb3\":\"Hebrew Letter Dalet With Dagesh\"}"},
        {"around the surrogates",
         "{\"\\ue000\":1,\"\\ud7ff\":2,\"\\ud800\\udc00\":3,\"\\uffff\":4}",
         "{\"\xed\x9f\xbf\":2,\"\xf0\x90\x80\x80\":3,\"\xee\x80\x80\":1,\"\xef\xbf\xbf\":4}"},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        const struct json_value value = parse_good(CASES[at].given, CASES[at].input);
        const struct text once = json_canonical(arena, &value);
        CHECK_TEXT(CASES[at].given, once, CASES[at].then);
        const struct json_value again = parse_good(CASES[at].given, text_to_c(arena, once));
        CHECK_TEXT(CASES[at].given, json_canonical(arena, &again), CASES[at].then);
    }
}

/* Texts changed at random (a fixed seed): whatever is accepted has a canonical form, which is
 * accepted again and is its own. The sanitizers watch. */
static void test_json_parse__mutations(void **state)
{
    (void)state;
    static const char *const SEEDS[] = {
        "{\"transaction_id\":\"tx-12345\",\"user_id\":\"user-6789\",\"amount\":99.99}",
        "[1,2.5,-0,1e5,true,false,null,\"a\\u00e9\\ud83d\\ude00\\n\"]",
        " {\"a\":{\"b\":[{\"c\":\"\\\\\"},[],{}]},\"\":1, \"\xc3\xa9\":2,\"\xf0\x9f\x98\x80\":3}",
    };
    static const char MARKS[] = "{}[],:\"\\u0de19.-+ \n\xc3\xa9\xf0\x9f";
    uint32_t random = 1;
    size_t accepted = 0;
    for (int round = 0; round < 60000; round++) {
        char input[128];
        const size_t size = strlen(SEEDS[round % 3]);
        memcpy(input, SEEDS[round % 3], size);
        for (int change = 0; change <= round % 4; change++) {
            random = random * 1664525 + 1013904223;
            input[(random >> 8) % size] = MARKS[(random >> 20) % (sizeof MARKS - 1)];
        }
        struct json_value value;
        if (parse((struct text){input, size}, &value, NULL) == OK) {
            accepted++;
            const struct text once = json_canonical(arena, &value);
            CHECK_EQ("a canonical form", parse(once, &value, NULL), OK);
            CHECK("its own canonical form", text_equals(json_canonical(arena, &value), once));
        }
        arena_reset(arena);
    }
    CHECK("some of them", accepted > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_parse__refused),
        cmocka_unit_test(test_json_parse__numbers_keep_their_text),
        cmocka_unit_test(test_json_parse__strings),
        cmocka_unit_test(test_json_parse__sources),
        cmocka_unit_test(test_json_parse__depth),
        cmocka_unit_test(test_json_parse__too_many_values),
        cmocka_unit_test(test_json_parse__many_members),
        cmocka_unit_test(test_json_parse__long_name_in_message),
        cmocka_unit_test(test_json_parse__mutations),
        cmocka_unit_test(test_json_get__values),
        cmocka_unit_test(test_json_canonical__golden),
    };
    return cmocka_run_group_tests_name("base/json", tests, set_up, tear_down);
}
