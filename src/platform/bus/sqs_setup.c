/* SQS's side: queues are made as they have to be, or found as somebody else has made them. */
#include "platform/bus/sqs_setup.h"

#include "base/arena.h"
#include "base/json.h"
#include "platform/bus/sns_call.h"
#include "platform/bus/sns_names.h"
#include "platform/log/log.h"

enum {
    CALL_WAIT_MS = 10000,
    RETENTION_MIN_S = 60,             /* SQS's own bounds */
    RETENTION_MAX_S = 14 * 24 * 3600, /* and what dead letters get */
};

/* One queue that has to be there. */
struct wish {
    struct text name;
    struct text dead_letter_arn; /* TEXT_NONE: it has no dead-letter queue */
    int64_t retention_s;
    bool is_fed; /* by topics */
};

static void add_number(struct json_writer *w, struct arena *arena, const char *name, int64_t value)
{
    json_write_text(w, name, text_format(arena, "%lld", (long long)value));
}

static struct text redrive_policy(struct arena *arena, struct text dead_letter_arn)
{
    return text_format(arena, "{\"deadLetterTargetArn\":\"%.*s\",\"maxReceiveCount\":\"%d\"}",
                       TEXT_ARGS(dead_letter_arn), SQS_RECEIVES_MAX);
}

static struct text create_body(const struct sqs_setup *setup, struct arena *arena,
                               const struct wish *wish)
{
    struct text_builder body;
    struct json_writer w;
    text_builder_init(&body, arena, 1024);
    json_writer_init(&w, &body);
    json_begin_object(&w, NULL);
    json_write_text(&w, "QueueName", wish->name);
    json_begin_object(&w, "Attributes");
    json_write_text(&w, "FifoQueue", TEXT("true"));
    json_write_text(&w, "DeduplicationScope", TEXT("messageGroup"));
    json_write_text(&w, "FifoThroughputLimit", TEXT("perMessageGroupId"));
    add_number(&w, arena, "MessageRetentionPeriod", wish->retention_s);
    add_number(&w, arena, "VisibilityTimeout", setup->config->settings.sqs_visibility_s);
    if (!text_is_none(wish->dead_letter_arn))
        json_write_text(&w, "RedrivePolicy", redrive_policy(arena, wish->dead_letter_arn));
    json_end_object(&w);
    json_end_object(&w);
    return text_builder_text(&body);
}

static enum status read_member(struct arena *arena, const struct aws_call *call, const char *name,
                               struct text *value_out, struct error *err)
{
    struct json_value reply;
    TRY(json_parse(arena, call->reply, &reply, err));
    const struct text value = json_get_text(&reply, name);
    if (text_is_none(value))
        return error_set(err, ERR_BROKEN, "%s answers without a '%s'", call->action, name);
    *value_out = value;
    return OK;
}

static enum status find_url(const struct sqs_setup *setup, struct arena *arena, struct text name,
                            struct text *url_out, struct error *err)
{
    struct aws_call call = {
        .action = "GetQueueUrl",
        .body = text_format(arena, "{\"QueueName\":\"%.*s\"}", TEXT_ARGS(name)),
    };
    TRY(sns_run(setup->sqs, arena, &call, CALL_WAIT_MS, err));
    return read_member(arena, &call, "QueueUrl", url_out, err);
}

/* A queue that exists with other attributes belongs to an operator who knows why. */
static enum status make_queue(const struct sqs_setup *setup, struct arena *arena,
                              const struct wish *wish, struct text *url_out, struct error *err)
{
    struct aws_call call = {
        .action = "CreateQueue",
        .body = create_body(setup, arena, wish),
    };
    const enum status status = sns_run(setup->sqs, arena, &call, CALL_WAIT_MS, err);
    if (status == OK)
        return read_member(arena, &call, "QueueUrl", url_out, err);
    const bool is_denied = sns_is_denied(&call);
    if (!is_denied && !sns_has_code(&call, "QueueNameExists") &&
        !sns_has_code(&call, "QueueAlreadyExists"))
        return status;
    if (!is_denied)
        log_info(NULL, "bus.queue_kept", "a queue has attributes of its own and keeps them",
                 kv_text("queue", wish->name));
    const enum status found = find_url(setup, arena, wish->name, url_out, err);
    if (found == ERR_NOT_FOUND && is_denied)
        return error_set(err, ERR_BROKEN,
                         "queue '%.*s' is not there and sqs:CreateQueue is not allowed",
                         TEXT_ARGS(wish->name));
    return found;
}

/* Topics of this prefix, in this account and region, may send to it. */
static struct text policy_for(const struct sqs_setup *setup, struct arena *arena,
                              struct text queue_arn)
{
    const char *prefix = setup->config->topic_prefix;
    struct text_builder pattern;
    text_builder_init(&pattern, arena, 64);
    for (; prefix != NULL && *prefix != '\0'; prefix++)
        text_builder_add_c(&pattern, (const char[]){*prefix == '.' ? '-' : *prefix, '\0'});
    text_builder_add_c(&pattern, setup->config->topic_prefix == NULL ? "*" : "-*");
    return text_format(
        arena,
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"tallystick\",\"Effect\":\"Allow\","
        "\"Principal\":{\"Service\":\"sns.amazonaws.com\"},\"Action\":\"sqs:SendMessage\","
        "\"Resource\":\"%.*s\",\"Condition\":{\"ArnLike\":{\"aws:SourceArn\":\"%.*s\"}}}]}",
        TEXT_ARGS(queue_arn),
        TEXT_ARGS(sns_arn_beside(arena, queue_arn, "sns", text_builder_text(&pattern))));
}

static enum status set_policy(const struct sqs_setup *setup, struct arena *arena, struct text url,
                              struct text queue_arn, struct error *err)
{
    struct text_builder body;
    struct json_writer w;
    text_builder_init(&body, arena, 1024);
    json_writer_init(&w, &body);
    json_begin_object(&w, NULL);
    json_write_text(&w, "QueueUrl", url);
    json_begin_object(&w, "Attributes");
    json_write_text(&w, "Policy", policy_for(setup, arena, queue_arn));
    json_end_object(&w);
    json_end_object(&w);
    struct aws_call call = {.action = "SetQueueAttributes", .body = text_builder_text(&body)};
    const enum status status = sns_run(setup->sqs, arena, &call, CALL_WAIT_MS, err);
    if (!sns_is_denied(&call))
        return status;
    return error_set(err, ERR_BROKEN,
                     "queue '%.*s' has no policy and sqs:SetQueueAttributes is not allowed",
                     TEXT_ARGS(queue_arn));
}

static enum status ensure_queue(const struct sqs_setup *setup, struct arena *arena,
                                const struct wish *wish, struct sqs_queue *queue_out,
                                struct error *err)
{
    struct text url;
    struct json_value reply;
    TRY(make_queue(setup, arena, wish, &url, err));
    struct aws_call call = {
        .action = "GetQueueAttributes",
        .body = text_format(arena,
                            "{\"QueueUrl\":\"%.*s\",\"AttributeNames\":[\"QueueArn\",\"Policy\"]}",
                            TEXT_ARGS(url)),
    };
    TRY(sns_run(setup->sqs, arena, &call, CALL_WAIT_MS, err));
    TRY(json_parse(arena, call.reply, &reply, err));
    const struct json_value *attributes = json_get(&reply, "Attributes");
    const struct text arn = attributes == NULL ? TEXT_NONE : json_get_text(attributes, "QueueArn");
    if (text_is_none(arn))
        return error_set(err, ERR_BROKEN, "queue '%.*s' has no ARN", TEXT_ARGS(wish->name));
    if (wish->is_fed && json_get_text(attributes, "Policy").size == 0)
        TRY(set_policy(setup, arena, url, arn, err));
    *queue_out = (struct sqs_queue){wish->name, url, arn};
    return OK;
}

static int64_t retention_s(const struct sqs_setup *setup)
{
    const int64_t wished_s = setup->config->settings.retention_s;
    if (wished_s < RETENTION_MIN_S)
        return RETENTION_MIN_S;
    return wished_s > RETENTION_MAX_S ? RETENTION_MAX_S : wished_s;
}

/* The dead-letter queue keeps as long as SQS can: a message takes its age with it. */
enum status sqs_setup_group(const struct sqs_setup *setup, struct arena *arena, const char *group,
                            struct sqs_group *group_out, struct error *err)
{
    struct wish wish = {.retention_s = retention_s(setup), .is_fed = true};
    struct wish dead = {.retention_s = RETENTION_MAX_S};
    struct sqs_group queues;
    TRY(sns_name_queue(arena, setup->config->topic_prefix, group, &wish.name, err));
    TRY(sns_name_dead_letter_queue(arena, wish.name, &dead.name, err));
    TRY(ensure_queue(setup, arena, &dead, &queues.dead, err));
    wish.dead_letter_arn = queues.dead.arn;
    TRY(ensure_queue(setup, arena, &wish, &queues.queue, err));
    *group_out = queues;
    return OK;
}

enum status sqs_setup_archive(const struct sqs_setup *setup, struct arena *arena, struct text topic,
                              struct sqs_queue *queue_out, struct error *err)
{
    struct wish wish = {.retention_s = RETENTION_MAX_S, .is_fed = true};
    TRY(sns_name_topic(arena, topic, &wish.name, err));
    return ensure_queue(setup, arena, &wish, queue_out, err);
}
