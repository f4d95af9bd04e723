#include "check.h"

#include "base/arena.h"
#include "platform/aws/aws_reply.h"

#define DYNAMODB_ERROR(name) "{\"__type\":\"com.amazonaws.dynamodb.v20120810#" name "\"}"
#define SNS_ERROR(name)                                                                            \
    "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>Sender</Type>" \
    "<Code>" name "</Code><Message>a &amp; b</Message></Error></ErrorResponse>"

static struct arena *arena;

static void test_aws_reply_judge__outcomes(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        int status;
        const char *reply;
        enum aws_outcome then;
        const char *code; /* NULL: none */
    } CASES[] = {
        {"success", 200, "{}", AWS_DONE, NULL},
        {"success without a body", 204, "", AWS_DONE, NULL},
        {"a redirect", 302, "", AWS_FAILED, NULL},
        {"a condition", 400, DYNAMODB_ERROR("ConditionalCheckFailedException"), AWS_REFUSED,
         "ConditionalCheckFailedException"},
        {"a bare type", 400, "{\"__type\":\"Nope\"}", AWS_REFUSED, "Nope"},
        {"a table's limit", 400, DYNAMODB_ERROR("ProvisionedThroughputExceededException"),
         AWS_THROTTLED, "ProvisionedThroughputExceededException"},
        {"an account's limit", 400, DYNAMODB_ERROR("ThrottlingException"), AWS_THROTTLED,
         "ThrottlingException"},
        {"SQS's limit", 403, "{\"__type\":\"com.amazonaws.sqs#RequestThrottled\"}", AWS_THROTTLED,
         "RequestThrottled"},
        {"a limit by status", 429, "", AWS_THROTTLED, NULL},
        {"SNS's limit", 400, SNS_ERROR("Throttling"), AWS_THROTTLED, "Throttling"},
        {"SNS's refusal", 404, SNS_ERROR("NotFound"), AWS_REFUSED, "NotFound"},
        {"a passing trouble", 400, DYNAMODB_ERROR("TransactionInProgressException"), AWS_FAILED,
         "TransactionInProgressException"},
        {"trouble inside", 500, DYNAMODB_ERROR("InternalServerError"), AWS_FAILED,
         "InternalServerError"},
        {"trouble on the way", 503, "<html>busy</html>", AWS_FAILED, NULL},
        {"broken JSON", 400, "{\"__type\":", AWS_REFUSED, NULL},
        {"broken XML", 400, "<Error><Code>", AWS_REFUSED, NULL},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct aws_call call = {.status = CASES[at].status, .reply = text_of(CASES[at].reply)};
        aws_reply_judge(arena, &call);
        CHECK_EQ(CASES[at].given, call.outcome, CASES[at].then);
        CHECK_EQ(CASES[at].given, text_is_none(call.code), CASES[at].code == NULL);
        if (CASES[at].code != NULL)
            CHECK_TEXT(CASES[at].given, call.code, CASES[at].code);
    }
}

static void test_aws_reply_judge__words(void **state)
{
    (void)state;
    static const struct {
        const char *given, *reply, *then;
    } CASES[] = {
        {"DynamoDB", "{\"__type\":\"x\",\"message\":\"a \\\"b\\\"\"}", "a \"b\""},
        {"DynamoDB's other spelling", "{\"__type\":\"x\",\"Message\":\"a\"}", "a"},
        {"SNS", SNS_ERROR("NotFound"), "a & b"},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct aws_call call = {.status = 400, .reply = text_of(CASES[at].reply)};
        aws_reply_judge(arena, &call);
        CHECK_TEXT(CASES[at].given, call.message, CASES[at].then);
    }
}

static void test_aws_reply_wants_fresh_credentials__codes(void **state)
{
    (void)state;
    static const struct {
        const char *reply;
        bool then;
    } CASES[] = {
        {DYNAMODB_ERROR("ExpiredTokenException"), true},
        {DYNAMODB_ERROR("UnrecognizedClientException"), true},
        {SNS_ERROR("ExpiredToken"), true},
        {SNS_ERROR("InvalidClientTokenId"), true},
        {DYNAMODB_ERROR("AccessDeniedException"), false},
        {DYNAMODB_ERROR("ThrottlingException"), false},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct aws_call call = {.status = 400, .reply = text_of(CASES[at].reply)};
        aws_reply_judge(arena, &call);
        CHECK_EQ(CASES[at].reply, aws_reply_wants_fresh_credentials(&call), CASES[at].then);
    }
}

int main(void)
{
    arena = arena_new(1024 * 1024);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aws_reply_judge__outcomes),
        cmocka_unit_test(test_aws_reply_judge__words),
        cmocka_unit_test(test_aws_reply_wants_fresh_credentials__codes),
    };
    const int failed = cmocka_run_group_tests_name("platform/aws_reply", tests, NULL, NULL);
    arena_free(arena);
    return failed;
}
