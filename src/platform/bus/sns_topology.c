#include "platform/bus/sns_topology.h"

#include "base/arena.h"
#include "base/assert.h"
#include "platform/aws/aws_form.h"
#include "platform/bus/sns_call.h"
#include "platform/bus/sns_names.h"
#include "platform/bus/sqs_setup.h"
#include "platform/bus/topics.h"
#include "platform/log/log.h"

#include <stdlib.h>

enum {
    KNOWN_MAX = 64, /* topics, and queues of groups */
    ARENA_SIZE_MAX = 256 * 1024,
    CALL_WAIT_MS = 10000,
    TRIES_MAX = 3, /* who publishes has pauses of its own */
};

/* A name that was asked for, and its ARN. */
struct known {
    struct text name;
    struct text arn;
};

struct known_list {
    struct known items[KNOWN_MAX];
    size_t count;
};

struct sns_topology {
    struct bus_config config;
    struct aws_client *sns;
    struct aws_client *sqs;
    struct arena *arena;   /* of what is known */
    struct arena *scratch; /* of one question */
    struct known_list topics;
    struct known_list queues;
};

enum status sns_topology_new(const struct bus_config *config, struct sns_topology **topology_out,
                             struct error *err)
{
    struct sns_topology *topology = calloc(1, sizeof *topology);
    ASSERT(topology != NULL);
    const struct aws_client_config sns = {.service = AWS_SNS, .tries_max = TRIES_MAX};
    const struct aws_client_config sqs = {.service = AWS_SQS, .tries_max = TRIES_MAX};
    topology->config = *config;
    topology->arena = arena_new(ARENA_SIZE_MAX);
    enum status status = aws_client_new(&sns, &topology->sns, err);
    if (status == OK)
        status = aws_client_new(&sqs, &topology->sqs, err);
    if (status == OK)
        *topology_out = topology;
    else
        sns_topology_free(topology);
    return status;
}

void sns_topology_free(struct sns_topology *topology)
{
    if (topology == NULL)
        return;
    aws_client_free(topology->sns);
    aws_client_free(topology->sqs);
    arena_free(topology->arena);
    free(topology);
}

struct aws_client *sns_topology_client(struct sns_topology *topology)
{
    return topology->sns;
}

void sns_topology_forget(struct sns_topology *topology)
{
    topology->topics.count = 0;
    topology->queues.count = 0;
    arena_reset(topology->arena);
}

static struct text find_known(const struct known_list *list, struct text name)
{
    for (size_t at = 0; at < list->count; at++)
        if (text_equals(list->items[at].name, name))
            return list->items[at].arn;
    return TEXT_NONE;
}

static struct text keep(struct sns_topology *topology, struct known_list *list, struct text name,
                        struct text arn)
{
    ASSERT(list->count < KNOWN_MAX);
    struct known *known = &list->items[list->count++];
    *known = (struct known){text_copy(topology->arena, name), text_copy(topology->arena, arn)};
    return known->arn;
}

/* ---- topics -------------------------------------------------------------------------------- */

static struct text_builder begin_form(struct arena *scratch, const char *action)
{
    struct text_builder form;
    text_builder_init(&form, scratch, 512);
    aws_form_add(&form, "Action", text_of(action));
    aws_form_add(&form, "Version", TEXT("2010-03-31"));
    return form;
}

static void add_attribute(struct text_builder *form, int number, const char *key, const char *value)
{
    aws_form_add_at(form, text_of(key), "Attributes.entry.%d.key", number);
    aws_form_add_at(form, text_of(value), "Attributes.entry.%d.value", number);
}

/* `beside`: the ARN of any queue, where one is known: a topic that exists already can be named even
 * if it may not be made. */
static enum status make_topic(struct sns_topology *topology, struct text name, struct text beside,
                              struct text *arn_out, struct error *err)
{
    struct text_builder form = begin_form(topology->scratch, "CreateTopic");
    aws_form_add(&form, "Name", name);
    add_attribute(&form, 1, "FifoTopic", "true");
    add_attribute(&form, 2, "ContentBasedDeduplication", "false");
    add_attribute(&form, 3, "FifoThroughputScope", "MessageGroup");
    struct aws_call call = {.action = "CreateTopic", .body = text_builder_text(&form)};
    const enum status status = sns_run(topology->sns, topology->scratch, &call, CALL_WAIT_MS, err);
    if (status == OK)
        *arn_out = aws_xml_find(call.reply, "TopicArn");
    else if (sns_is_denied(&call) || sns_has_code(&call, "InvalidParameter"))
        *arn_out = sns_arn_beside(topology->scratch, beside, "sns", name);
    else
        return status;
    if (text_is_none(*arn_out))
        return status != OK ? status : error_set(err, ERR_BROKEN, "CreateTopic gives no ARN");
    return OK;
}

static enum status subscribe(struct sns_topology *topology, struct text topic_arn,
                             struct text queue_arn, struct error *err)
{
    struct text_builder form = begin_form(topology->scratch, "Subscribe");
    aws_form_add(&form, "TopicArn", topic_arn);
    aws_form_add(&form, "Protocol", TEXT("sqs"));
    aws_form_add(&form, "Endpoint", queue_arn);
    add_attribute(&form, 1, "RawMessageDelivery", "true");
    struct aws_call call = {.action = "Subscribe", .body = text_builder_text(&form)};
    const enum status status = sns_run(topology->sns, topology->scratch, &call, CALL_WAIT_MS, err);
    if (!sns_is_denied(&call))
        return status;
    log_warning(NULL, "bus.not_allowed",
                "sns:Subscribe is not allowed; taken to be subscribed, with raw message delivery",
                kv_text("topic", topic_arn), kv_text("queue", queue_arn));
    return OK;
}

static bool reads(const struct bus_reader *reader, struct text topic)
{
    for (size_t at = 0; reader->topics[at] != NULL; at++)
        if (text_equals_c(topic, reader->topics[at]))
            return true;
    return false;
}

static enum status find_group(struct sns_topology *topology, const char *group,
                              struct text *arn_out, struct error *err)
{
    struct sqs_group queues;
    const struct sqs_setup setup = {topology->sqs, &topology->config};
    *arn_out = find_known(&topology->queues, text_of(group));
    if (!text_is_none(*arn_out))
        return OK;
    TRY(sqs_setup_group(&setup, topology->scratch, group, &queues, err));
    *arn_out = keep(topology, &topology->queues, text_of(group), queues.queue.arn);
    return OK;
}

/* Of the queues of all who read a topic. */
struct arn_list {
    struct text arns[KNOWN_MAX];
    size_t count;
};

static enum status find_queues(struct sns_topology *topology, struct text topic,
                               struct arn_list *queues_out, struct error *err)
{
    const struct sqs_setup setup = {topology->sqs, &topology->config};
    const struct bus_reader *reader = topology->config.readers;
    struct arn_list queues = {.count = 0};
    struct sqs_queue archive;
    for (; reader != NULL && reader->group != NULL; reader++) {
        ASSERT(queues.count + 1 < KNOWN_MAX);
        if (reads(reader, topic))
            TRY(find_group(topology, reader->group, &queues.arns[queues.count++], err));
    }
    if (topic_is_of_dead_letters(topic)) {
        TRY(sqs_setup_archive(&setup, topology->scratch, topic, &archive, err));
        queues.arns[queues.count++] = archive.arn;
    }
    *queues_out = queues;
    return OK;
}

enum status sns_topology_find(struct sns_topology *topology, struct arena *arena, struct text topic,
                              struct text *arn_out, struct error *err)
{
    struct text name, arn;
    struct arn_list queues;
    const struct text known = find_known(&topology->topics, topic);
    if (!text_is_none(known)) {
        *arn_out = known;
        return OK;
    }
    topology->scratch = arena;
    TRY(sns_name_topic(topology->scratch, topic, &name, err));
    TRY(find_queues(topology, topic, &queues, err));
    TRY(make_topic(topology, name, queues.count == 0 ? TEXT_NONE : queues.arns[0], &arn, err));
    for (size_t at = 0; at < queues.count; at++)
        TRY(subscribe(topology, arn, queues.arns[at], err));
    log_info(NULL, "bus.topic_ready", "topic is ready, its readers are subscribed",
             kv_text("topic", topic), kv_text("arn", arn), kv_i64("queues", (int64_t)queues.count));
    *arn_out = keep(topology, &topology->topics, topic, arn);
    return OK;
}

enum status sns_topology_find_all(struct sns_topology *topology, struct arena *arena,
                                  struct error *err)
{
    struct text arn;
    const struct topic_list all = topics_all(arena, topology->config.topic_prefix);
    for (size_t at = 0; at < all.count; at++)
        TRY(sns_topology_find(topology, arena, all.names[at], &arn, err));
    return OK;
}

enum status sns_topology_ask(struct sns_topology *topology, struct arena *arena, struct error *err)
{
    struct text_builder form = begin_form(arena, "ListTopics");
    struct aws_call call = {.action = "ListTopics", .body = text_builder_text(&form)};
    const enum status status = sns_run(topology->sns, arena, &call, CALL_WAIT_MS, err);
    return call.outcome == AWS_REFUSED ? OK : status;
}
