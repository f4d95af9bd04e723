#include "platform/bus/sns_call.h"

#include "base/assert.h"
#include "platform/clock.h"

bool sns_has_code(const struct aws_call *call, const char *code)
{
    return call->outcome == AWS_REFUSED && text_equals_c(call->code, code);
}

bool sns_is_denied(const struct aws_call *call)
{
    return call->outcome == AWS_REFUSED && call->status == 403;
}

/* SNS, SQS in JSON, and SQS as older answers have it. */
static bool is_missing(const struct aws_call *call)
{
    return sns_has_code(call, "NotFound") || sns_has_code(call, "QueueDoesNotExist") ||
           sns_has_code(call, "AWS.SimpleQueueService.NonExistentQueue");
}

static enum status fail(const struct aws_call *call, enum status status, const char *what,
                        struct error *err)
{
    return error_set(err, status, "%s %s: %.*s %.*s", call->action, what, TEXT_ARGS(call->code),
                     TEXT_ARGS(call->message));
}

enum status sns_outcome(const struct aws_call *call, struct error *err)
{
    switch (call->outcome) {
    case AWS_DONE:
        return OK;
    case AWS_REFUSED:
        if (is_missing(call))
            return fail(call, ERR_NOT_FOUND, "finds nothing", err);
        if (sns_is_denied(call))
            return fail(call, ERR_BROKEN, "is not allowed", err);
        return fail(call, ERR_INVALID, "was refused", err);
    case AWS_THROTTLED:
        return fail(call, ERR_DOWN, "was throttled", err);
    case AWS_FAILED:
        return fail(call, call->may_be_done ? ERR_UNKNOWN : ERR_DOWN, "was not answered", err);
    }
    UNREACHABLE();
}

/* To lack credentials is no fault of what was asked: nobody lets us in. */
enum status sns_run_all(struct aws_client *client, struct arena *arena,
                        const struct aws_batch *batch, struct error *err)
{
    const enum status status = aws_client_run(client, arena, batch, err);
    if (status != ERR_INVALID)
        return status;
    const struct error cause = *err;
    return error_set(err, ERR_BROKEN, "%s", cause.message);
}

enum status sns_run(struct aws_client *client, struct arena *arena, struct aws_call *call,
                    int64_t wait_ms, struct error *err)
{
    struct aws_call *const calls[] = {call};
    const struct aws_batch batch = {calls, 1, clock_monotonic_us() + wait_ms * 1000};
    TRY(sns_run_all(client, arena, &batch, err));
    return sns_outcome(call, err);
}
