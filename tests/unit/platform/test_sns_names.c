#include "check.h"

#include "base/arena.h"
#include "platform/bus/sns_names.h"

#define TEN "0123456789"

static struct arena *arena;

static int make_arena(void **state)
{
    (void)state;
    arena = arena_new(64 * 1024);
    return 0;
}

static int free_arena(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static void test_sns_name_topic__cases(void **state)
{
    (void)state;
    static const struct {
        const char *given, *topic, *then;
    } CASES[] = {
        {"a topic", "tallystick.authorization.v1", "tallystick-authorization-v1.fifo"},
        {"its dead letters", "tallystick.ledger.v1.dlq", "tallystick-ledger-v1-dlq.fifo"},
        {"all that is allowed", "aZ09_-.x", "aZ09_--x.fifo"},
        {"as long as it may be", TEN TEN TEN TEN TEN TEN TEN "01234",
         TEN TEN TEN TEN TEN TEN TEN "01234.fifo"},
        {"one too long", TEN TEN TEN TEN TEN TEN TEN "012345", NULL},
        {"a slash", "a/b", NULL},
        {"a letter of elsewhere", "\xc3\xa9", NULL},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct text name = TEXT("untouched");
        struct error err;
        const enum status want = CASES[at].then == NULL ? ERR_INVALID : OK;
        CHECK_EQ(CASES[at].given, sns_name_topic(arena, text_of(CASES[at].topic), &name, &err),
                 want);
        CHECK_TEXT(CASES[at].given, name, want == OK ? CASES[at].then : "untouched");
    }
}

static void test_sns_name_queue__cases(void **state)
{
    (void)state;
    static const struct {
        const char *given, *prefix, *group, *then, *dead;
    } CASES[] = {
        {"a group", "tallystick", "ledger", "tallystick-ledger.fifo", "tallystick-ledger-dlq.fifo"},
        {"a prefix with dots", "my.shop", "saga", "my-shop-saga.fifo", "my-shop-saga-dlq.fifo"},
        {"no prefix", NULL, "saga", "saga.fifo", "saga-dlq.fifo"},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct text name, dead;
        struct error err;
        CHECK_EQ(CASES[at].given,
                 sns_name_queue(arena, CASES[at].prefix, CASES[at].group, &name, &err), OK);
        CHECK_EQ(CASES[at].given, sns_name_dead_letter_queue(arena, name, &dead, &err), OK);
        CHECK_TEXT(CASES[at].given, name, CASES[at].then);
        CHECK_TEXT(CASES[at].given, dead, CASES[at].dead);
    }
}

static void test_sns_arn_beside__cases(void **state)
{
    (void)state;
    static const struct {
        const char *given, *arn, *then;
    } CASES[] = {
        {"a queue", "arn:aws:sqs:eu-west-1:123456789012:q.fifo",
         "arn:aws:sns:eu-west-1:123456789012:t.fifo"},
        {"another partition", "arn:aws-cn:sqs:cn-north-1:1:q",
         "arn:aws-cn:sns:cn-north-1:1:t.fifo"},
        {"too short", "arn:aws:sqs:eu-west-1:1", ""},
        {"no ARN", "http:a:b:c:d:e", ""},
        {"nothing", NULL, ""},
    };
    for (size_t at = 0; at < COUNT(CASES); at++)
        CHECK_TEXT(CASES[at].given,
                   sns_arn_beside(arena, text_of(CASES[at].arn), "sns", TEXT("t.fifo")),
                   CASES[at].then);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sns_name_topic__cases),
        cmocka_unit_test(test_sns_name_queue__cases),
        cmocka_unit_test(test_sns_arn_beside__cases),
    };
    return cmocka_run_group_tests_name("platform/sns_names", tests, make_arena, free_arena);
}
