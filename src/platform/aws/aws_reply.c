#include "platform/aws/aws_reply.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/json.h"
#include "platform/aws/aws_form.h"

/* Errors of too much at once that come with status 400; none of them has had an effect. */
static const char *const THROTTLES[] = {
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "Throttling",
    "ThrottledException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "TooManyRequestsException",
    "OverLimit",
};

/* Passing troubles that come with status 400. */
static const char *const PASSING[] = {
    "TransactionInProgressException",
    "RequestTimeout",
    "RequestTimeoutException",
};

static const char *const STALE_CREDENTIALS[] = {
    "ExpiredToken",
    "ExpiredTokenException",
    "UnrecognizedClientException",
    "InvalidClientTokenId",
};

static bool is_one_of(struct text code, const char *const *list, size_t count)
{
    for (size_t at = 0; at < count; at++)
        if (text_equals_c(code, list[at]))
            return true;
    return false;
}

#define IS_ONE_OF(code, list) is_one_of((code), (list), COUNT(list))

/* com.amazonaws.dynamodb.v20120810#NAME, or the bare name. */
static struct text name_of_type(struct text type)
{
    struct text rest = type;
    const struct text before = text_cut(&rest, '#');
    return text_is_none(rest) ? before : rest;
}

static void read_json(struct arena *arena, struct aws_call *call)
{
    struct json_value whole;
    if (json_parse(arena, call->reply, &whole, NULL) != OK)
        return;
    call->code = name_of_type(json_get_text(&whole, "__type"));
    call->message = json_get_text(&whole, "message");
    if (text_is_none(call->message))
        call->message = json_get_text(&whole, "Message");
}

static void read_xml(struct arena *arena, struct aws_call *call)
{
    const struct text error = aws_xml_find(call->reply, "Error");
    call->code = aws_xml_find(error, "Code");
    call->message = aws_xml_unescape(arena, aws_xml_find(error, "Message"));
}

static void read_error(struct arena *arena, struct aws_call *call)
{
    call->code = TEXT_NONE;
    call->message = TEXT_NONE;
    if (call->reply.size > 0 && call->reply.data[0] == '{')
        read_json(arena, call);
    else if (call->reply.size > 0 && call->reply.data[0] == '<')
        read_xml(arena, call);
}

static enum aws_outcome outcome_of(const struct aws_call *call)
{
    if (call->status == 429 || IS_ONE_OF(call->code, THROTTLES))
        return AWS_THROTTLED;
    if (call->status < 400 || call->status >= 500 || IS_ONE_OF(call->code, PASSING))
        return AWS_FAILED;
    return AWS_REFUSED;
}

void aws_reply_judge(struct arena *arena, struct aws_call *call)
{
    call->code = TEXT_NONE;
    call->message = TEXT_NONE;
    call->outcome = AWS_DONE;
    if (call->status >= 200 && call->status < 300)
        return;
    read_error(arena, call);
    call->outcome = outcome_of(call);
}

bool aws_reply_wants_fresh_credentials(const struct aws_call *call)
{
    return call->outcome == AWS_REFUSED && IS_ONE_OF(call->code, STALE_CREDENTIALS);
}
