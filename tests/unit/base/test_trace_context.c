#include "check.h"

#include "base/trace_context.h"

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define SPAN  "b7ad6b7169203331"

static void test_trace_context_parse__forms(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        const char *input;
        bool accepted;
        bool sampled;
    } CASES[] = {
        {"sampled", "00-" TRACE "-" SPAN "-01", true, true},
        {"not sampled", "00-" TRACE "-" SPAN "-00", true, false},
        {"other flags", "00-" TRACE "-" SPAN "-fe", true, false},
        {"a later version", "cc-" TRACE "-" SPAN "-01-what-comes", true, true},
        {"a later version as long", "cc-" TRACE "-" SPAN "-01", true, true},
        {"a later version without a hyphen", "cc-" TRACE "-" SPAN "-01.what", false, false},
        {"more than this version has", "00-" TRACE "-" SPAN "-01-more", false, false},
        {"the forbidden version", "ff-" TRACE "-" SPAN "-01", false, false},
        {"nothing", "", false, false},
        {"a trace of zeros", "00-00000000000000000000000000000000-" SPAN "-01", false, false},
        {"a span of zeros", "00-" TRACE "-0000000000000000-01", false, false},
        {"upper case", "00-0AF7651916CD43DD8448EB211C80319C-" SPAN "-01", false, false},
        {"no hex", "00-" TRACE "-" SPAN "-0x", false, false},
        {"a short trace", "00-" TRACE "-b7ad6b716920333-001", false, false},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct trace_context got = {.sampled = false};
        CHECK_EQ(CASES[at].given, trace_context_parse(text_of(CASES[at].input), &got),
                 CASES[at].accepted);
        CHECK_EQ(CASES[at].given, got.sampled, CASES[at].sampled);
        CHECK_TEXT(CASES[at].given, text_of(got.trace_id), CASES[at].accepted ? TRACE : "");
        CHECK_TEXT(CASES[at].given, text_of(got.span_id), CASES[at].accepted ? SPAN : "");
    }
}

static void test_trace_context_make__round_trip(void **state)
{
    (void)state;
    const struct trace_context made = trace_context_make();
    char header[TRACEPARENT_SIZE + 1];
    trace_context_format(&made, header);
    CHECK_EQ("a new trace", strlen(header), TRACEPARENT_SIZE);
    struct trace_context read;
    CHECK("a new trace", trace_context_parse(text_of(header), &read));
    CHECK_TEXT("a new trace", text_of(read.trace_id), made.trace_id);
    CHECK_TEXT("a new trace", text_of(read.span_id), made.span_id);
    CHECK("a new trace", read.sampled);
}

static void test_trace_context_child__keeps_the_trace(void **state)
{
    (void)state;
    const struct trace_context parent = trace_context_make();
    const struct trace_context child = trace_context_child(&parent);
    CHECK_TEXT("a child", text_of(child.trace_id), parent.trace_id);
    CHECK("a child", strcmp(child.span_id, parent.span_id) != 0);
    const struct trace_context none = {.sampled = false};
    CHECK_EQ("a child of none", strlen(trace_context_child(&none).trace_id), TRACE_ID_SIZE);
}

static void test_trace_context_take_state__forms(void **state)
{
    (void)state;
    const struct {
        const char *given, *input;
        bool is_taken;
    } CASES[] = {
        {"one member", "rojo=00f067aa0ba902b7", true},
        {"more", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", true},
        {"blanks around and an empty member", " rojo=1 ,\t, congo=2", true},
        {"a tenant", "fw529a3039@dt=FfAAAAAA", true},
        {"a tenant that begins with a digit", "529a3039@dt=FfAAAAAA", true},
        {"a key that begins with a digit", "5dt=FfAAAAAA", false},
        {"a system of fifteen letters", "a@abcdefghijklmno=1", false},
        {"a key that comes again", "rojo=1,congo=2,rojo=3", false},
        {"a blank within a value", "rojo=a b", true},
        {"nothing", "", false},
        {"empty members alone", ",,", false},
        {"no value", "rojo=", false},
        {"no sign", "rojo", false},
        {"no key", "=1", false},
        {"an upper case key", "Rojo=1", false},
        {"a second sign", "rojo=1=2", false},
        {"a control character", "rojo=\x01", false},
        {"no ASCII", "rojo=\xc3\xa9", false},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct trace_context context = trace_context_make();
        trace_context_take_state(&context, text_of(CASES[at].input));
        CHECK_TEXT(CASES[at].given, context.state, CASES[at].is_taken ? CASES[at].input : "");
        CHECK_TEXT(CASES[at].given, trace_context_child(&context).state,
                   CASES[at].is_taken ? CASES[at].input : "");
    }
}

static void test_trace_context_take_state__bounds(void **state)
{
    (void)state;
    enum { MEMBER_SIZE = 5 };
    char members[MEMBER_SIZE * 33];
    for (int at = 0; at < 33; at++) {
        const char member[MEMBER_SIZE] = {'k', (char)((at < 26 ? 'a' : '0' - 26) + at), '=', '1',
                                          ','};
        memcpy(members + at * MEMBER_SIZE, member, MEMBER_SIZE);
    }
    struct trace_context context = trace_context_make();
    trace_context_take_state(&context, (struct text){members, sizeof members});
    CHECK("33 members", text_is_none(context.state));
    trace_context_take_state(&context, (struct text){members, sizeof members - MEMBER_SIZE});
    CHECK("32 members", !text_is_none(context.state));

    char value[TRACESTATE_SIZE_MAX + 1];
    memset(value, 'v', sizeof value);
    memcpy(value, "a=", 2);
    memcpy(value + 256, ",b=", 3);
    trace_context_take_state(&context, (struct text){value, TRACESTATE_SIZE_MAX + 1});
    CHECK("one byte too long", text_is_none(context.state));
    trace_context_take_state(&context, (struct text){value, TRACESTATE_SIZE_MAX});
    CHECK("as long as may be", !text_is_none(context.state));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trace_context_parse__forms),
        cmocka_unit_test(test_trace_context_make__round_trip),
        cmocka_unit_test(test_trace_context_child__keeps_the_trace),
        cmocka_unit_test(test_trace_context_take_state__forms),
        cmocka_unit_test(test_trace_context_take_state__bounds),
    };
    return cmocka_run_group_tests_name("base/trace_context", tests, NULL, NULL);
}
