#include "check.h"

#include "base/arena.h"
#include "outbox/send_span.h"

#define TRACE "0af7651916cd43dd8448eb211c80319c"

static struct message message_of(const char *traceparent)
{
    struct message message = {.traceparent = text_of(traceparent), .tracestate = TEXT("rojo=1")};
    assert_true(uuid_parse(TEXT("0192f0c0-0000-7000-8123-456789abcdef"), &message.id));
    return message;
}

static void test_send_span_of__forms(void **state)
{
    (void)state;
    static const struct {
        const char *given, *before, *after, *parent_id;
    } CASES[] = {
        {"a trace", "00-" TRACE "-b7ad6b7169203331-01", "00-" TRACE "-8123456789abcdef-01",
         "b7ad6b7169203331"},
        {"not sampled", "00-" TRACE "-b7ad6b7169203331-00", "00-" TRACE "-8123456789abcdef-00",
         "b7ad6b7169203331"},
        {"no trace", "garbage", "garbage", ""},
    };
    struct arena *arena = arena_new(64 * 1024);
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct message message = message_of(CASES[at].before);
        const struct send_span span = send_span_of(arena, &message);
        CHECK_TEXT(CASES[at].given, message.traceparent, CASES[at].after);
        CHECK_TEXT(CASES[at].given, text_of(span.parent_id), CASES[at].parent_id);
        CHECK_TEXT(CASES[at].given, span.context.state, span.parent_id[0] == '\0' ? "" : "rojo=1");
    }
    arena_free(arena);
}

/* It has the id of the message that died, whose sending was another. */
static void test_send_span_of__a_dead_letter_is_a_sending_of_its_own(void **state)
{
    (void)state;
    struct arena *arena = arena_new(64 * 1024);
    struct message message = message_of("00-" TRACE "-b7ad6b7169203331-01");
    message.headers = TEXT("{}");
    const struct send_span span = send_span_of(arena, &message);
    CHECK("a dead letter", strcmp(span.context.span_id, "8123456789abcdef") != 0);
    CHECK_TEXT("a dead letter", text_of(span.parent_id), "b7ad6b7169203331");
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_send_span_of__forms),
        cmocka_unit_test(test_send_span_of__a_dead_letter_is_a_sending_of_its_own),
    };
    return cmocka_run_group_tests_name("outbox/send_span", tests, NULL, NULL);
}
