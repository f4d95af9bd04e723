#include "platform/bus/sqs_calls.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/json.h"
#include "platform/bus/sns_call.h"
#include "platform/clock.h"

enum { WAIT_EXTRA_MS = 5000 }; /* an answer takes time beside the wait that was asked for */

/* ---- receiving ----------------------------------------------------------------------------- */

struct aws_call sqs_receive_call(struct arena *arena, const struct sqs_receive *receive)
{
    struct text_builder body;
    struct json_writer w;
    const struct uuid attempt = uuid_make_v7();
    text_builder_init(&body, arena, 512);
    json_writer_init(&w, &body);
    json_begin_object(&w, NULL);
    json_write_text(&w, "QueueUrl", receive->url);
    json_write_i64(&w, "MaxNumberOfMessages", receive->count_max);
    json_write_i64(&w, "WaitTimeSeconds", receive->wait_s);
    json_write_i64(&w, "VisibilityTimeout", receive->visibility_s);
    json_write_uuid(&w, "ReceiveRequestAttemptId", &attempt);
    json_begin_array(&w, "AttributeNames");
    json_write_text(&w, NULL, TEXT("All"));
    json_end_array(&w);
    json_begin_array(&w, "MessageAttributeNames");
    json_write_text(&w, NULL, TEXT("topic"));
    json_end_array(&w);
    json_end_object(&w);
    return (struct aws_call){
        .action = "ReceiveMessage",
        .body = text_builder_text(&body),
        .timeout_ms = (int)receive->wait_s * 1000 + WAIT_EXTRA_MS,
    };
}

static struct text text_within(const struct json_value *object, const char *member,
                               const char *name)
{
    const struct json_value *within = json_get(object, member);
    return within == NULL ? TEXT_NONE : json_get_text(within, name);
}

static int64_t number_within(const struct json_value *object, const char *member, const char *name)
{
    int64_t number = 0;
    text_to_i64(text_within(object, member, name), &number);
    return number;
}

static struct sqs_message read_message(const struct json_value *value)
{
    struct sqs_message message = {
        .body = json_get_text(value, "Body"),
        .receipt = json_get_text(value, "ReceiptHandle"),
        .message_id = json_get_text(value, "MessageId"),
        .group = text_within(value, "Attributes", "MessageGroupId"),
        .deduplication = text_within(value, "Attributes", "MessageDeduplicationId"),
        .sent_us = number_within(value, "Attributes", "SentTimestamp") * 1000,
        .receives = number_within(value, "Attributes", "ApproximateReceiveCount"),
    };
    const struct json_value *attributes = json_get(value, "MessageAttributes");
    if (attributes != NULL)
        message.topic = text_within(attributes, "topic", "StringValue");
    return message;
}

enum status sqs_read_received(struct arena *arena, const struct aws_call *call,
                              struct sqs_list *list, struct error *err)
{
    struct json_value reply;
    TRY(sns_outcome(call, err));
    TRY(json_parse(arena, call->reply, &reply, err));
    const struct json_value *all = json_get(&reply, "Messages");
    const size_t count = all == NULL || all->type != JSON_ARRAY ? 0 : all->count;
    if (count > list->capacity - list->count)
        return error_set(err, ERR_BROKEN, "SQS hands over %zu messages at once", count);
    for (size_t at = 0; at < count; at++)
        list->messages[list->count++] = read_message(&all->items[at]);
    return OK;
}

/* ---- changing ------------------------------------------------------------------------------ */

static size_t batch_size(const struct sqs_change *change, size_t first)
{
    const size_t left = change->count - first;
    return left < SQS_BATCH_MAX ? left : SQS_BATCH_MAX;
}

static struct aws_call change_call(struct arena *arena, const struct sqs_change *change,
                                   size_t first)
{
    struct text_builder body;
    struct json_writer w;
    const bool is_delete = change->visibility_s == SQS_DELETE;
    text_builder_init(&body, arena, 4096);
    json_writer_init(&w, &body);
    json_begin_object(&w, NULL);
    json_write_text(&w, "QueueUrl", change->url);
    json_begin_array(&w, "Entries");
    for (size_t at = 0; at < batch_size(change, first); at++) {
        json_begin_object(&w, NULL);
        json_write_text(&w, "Id", text_format(arena, "%zu", at));
        json_write_text(&w, "ReceiptHandle", change->receipts[first + at]);
        if (!is_delete)
            json_write_i64(&w, "VisibilityTimeout", change->visibility_s);
        json_end_object(&w);
    }
    json_end_array(&w);
    json_end_object(&w);
    return (struct aws_call){
        .action = is_delete ? "DeleteMessageBatch" : "ChangeMessageVisibilityBatch",
        .body = text_builder_text(&body),
    };
}

/* A receipt whose time has passed is no receipt. */
static enum sqs_fate fate_of(struct text code)
{
    static const char *const LOST[] = {"ReceiptHandleIsInvalid", "InvalidParameterValue",
                                       "MessageNotInflight",
                                       "AWS.SimpleQueueService.MessageNotInflight"};
    for (size_t at = 0; at < COUNT(LOST); at++)
        if (text_equals_c(code, LOST[at]))
            return SQS_LOST;
    return SQS_FAILED;
}

static void read_entries(const struct json_value *reply, const char *name, enum sqs_fate *fates,
                         size_t count)
{
    const struct json_value *entries = json_get(reply, name);
    if (entries == NULL || entries->type != JSON_ARRAY)
        return;
    const bool is_successful = strcmp(name, "Successful") == 0;
    for (size_t of = 0; of < entries->count; of++) {
        int64_t at;
        const struct json_value *entry = &entries->items[of];
        if (text_to_i64(json_get_text(entry, "Id"), &at) && at < (int64_t)count)
            fates[at] = is_successful ? SQS_DONE : fate_of(json_get_text(entry, "Code"));
    }
}

static void read_fates(struct arena *arena, const struct aws_call *call, enum sqs_fate *fates,
                       size_t count)
{
    struct json_value reply;
    struct error err;
    const enum status status = sns_outcome(call, &err);
    for (size_t at = 0; at < count; at++)
        fates[at] = status == ERR_NOT_FOUND ? SQS_LOST : SQS_FAILED;
    if (status != OK || json_parse(arena, call->reply, &reply, &err) != OK)
        return;
    read_entries(&reply, "Successful", fates, count);
    read_entries(&reply, "Failed", fates, count);
}

enum status sqs_change(struct aws_client *client, struct arena *arena,
                       const struct sqs_change *change, enum sqs_fate *fates_out, struct error *err)
{
    const size_t call_count = (change->count + SQS_BATCH_MAX - 1) / SQS_BATCH_MAX;
    struct aws_call *calls = ARENA_NEW_ARRAY(arena, struct aws_call, call_count);
    struct aws_call **list = ARENA_NEW_ARRAY(arena, struct aws_call *, call_count);
    for (size_t at = 0; at < call_count; at++) {
        calls[at] = change_call(arena, change, at * SQS_BATCH_MAX);
        list[at] = &calls[at];
    }
    const struct aws_batch batch = {list, call_count,
                                    clock_monotonic_us() + change->wait_ms * 1000};
    TRY(sns_run_all(client, arena, &batch, err));
    for (size_t at = 0; at < call_count; at++) {
        const size_t first = at * SQS_BATCH_MAX;
        read_fates(arena, &calls[at], &fates_out[first], batch_size(change, first));
    }
    return OK;
}
