#include "platform/bus/sns_sender.h"

#include "base/arena.h"
#include "base/assert.h"
#include "platform/aws/aws_form.h"
#include "platform/bus/sns_call.h"
#include "platform/clock.h"

#include <stdlib.h>

enum { BATCH_MAX = 10, ATTRIBUTE_EXTRA_SIZE = 16 };

static const int64_t SEND_TIME_US = 20 * 1000000; /* a relay holds an SQL transaction meanwhile */

/* An entry's place in the order. */
struct place {
    struct sns_entry *entry;
    struct place *before; /* of its group; NULL: it is the first */
    size_t turn;          /* how many of its group are before it */
};

/* One PublishBatch. */
struct batch {
    struct place *places[BATCH_MAX];
    size_t count;
    size_t size;
    struct aws_call call;
};

struct sending {
    struct aws_client *client;
    struct arena *arena;
    struct place *places;
    size_t count;
    int64_t deadline_us;
    struct error first; /* failure; status OK: none yet */
};

/* ---- order --------------------------------------------------------------------------------- */

static int compare_groups(const struct place *a, const struct place *b)
{
    const int order = text_compare(a->entry->topic_arn, b->entry->topic_arn);
    return order != 0 ? order : text_compare(a->entry->group, b->entry->group);
}

static int by_group(const void *a, const void *b)
{
    const struct place *const *left = a, *const *right = b;
    const int order = compare_groups(*left, *right);
    return order != 0 ? order : (*left > *right) - (*left < *right);
}

/* Topics together, so that their entries share batches. */
static int by_turn(const void *a, const void *b)
{
    const struct place *const *left = a, *const *right = b;
    if ((*left)->turn != (*right)->turn)
        return (*left)->turn < (*right)->turn ? -1 : 1;
    const int order = text_compare((*left)->entry->topic_arn, (*right)->entry->topic_arn);
    return order != 0 ? order : (*left > *right) - (*left < *right);
}

static struct place **arrange(struct sending *s)
{
    struct place **order = ARENA_NEW_ARRAY(s->arena, struct place *, s->count);
    for (size_t at = 0; at < s->count; at++)
        order[at] = &s->places[at];
    qsort(order, s->count, sizeof(struct place *), by_group);
    for (size_t at = 1; at < s->count; at++) {
        if (text_is_none(order[at]->entry->group) || compare_groups(order[at - 1], order[at]) != 0)
            continue;
        order[at]->before = order[at - 1];
        order[at]->turn = order[at - 1]->turn + 1;
    }
    qsort(order, s->count, sizeof(struct place *), by_turn);
    return order;
}

/* ---- batches ------------------------------------------------------------------------------- */

static size_t size_of(const struct sns_entry *entry)
{
    size_t size = entry->body.size;
    for (size_t at = 0; at < SNS_ATTRIBUTES_MAX && entry->attributes[at].name != NULL; at++)
        size += strlen(entry->attributes[at].name) + entry->attributes[at].value.size +
                ATTRIBUTE_EXTRA_SIZE;
    return size;
}

static void note_failure(struct sending *s, const struct error *err)
{
    if (s->first.status == OK)
        s->first = *err;
}

/* What waits behind an entry that was not sent is not sent either. */
static bool may_go(struct sending *s, const struct place *place)
{
    struct error err;
    if (place->entry->is_sent || text_is_none(place->entry->body) ||
        (place->before != NULL && !place->before->entry->is_sent))
        return false;
    if (size_of(place->entry) <= SNS_SIZE_MAX)
        return true;
    error_set(&err, ERR_INVALID, "a message of %zu bytes is larger than SNS takes: %d",
              size_of(place->entry), SNS_SIZE_MAX);
    note_failure(s, &err);
    return false;
}

static bool has_room(const struct batch *batch, const struct sns_entry *entry)
{
    return batch->count > 0 && batch->count < BATCH_MAX &&
           batch->size + size_of(entry) <= SNS_SIZE_MAX &&
           text_equals(batch->places[0]->entry->topic_arn, entry->topic_arn);
}

/* All batches of one turn, which begins at `order[*at]`; leaves *at behind it. */
static struct batch *gather(struct sending *s, struct place *const *order, size_t *at,
                            size_t *count_out)
{
    const size_t turn = order[*at]->turn;
    struct batch *batches = ARENA_NEW_ARRAY(s->arena, struct batch, s->count - *at);
    struct batch *batch = batches;
    for (; *at < s->count && order[*at]->turn == turn; ++*at) {
        struct place *place = order[*at];
        if (!may_go(s, place))
            continue;
        if (!has_room(batch, place->entry) && batch->count > 0)
            batch++;
        batch->places[batch->count++] = place;
        batch->size += size_of(place->entry);
    }
    *count_out = (size_t)(batch - batches) + (batch->count > 0);
    return batches;
}

/* ---- what is sent, what comes back --------------------------------------------------------- */

static void add_attributes(struct text_builder *form, size_t number, const struct sns_entry *entry)
{
    static const char PATTERN[] = "PublishBatchRequestEntries.member.%zu.MessageAttributes.entry."
                                  "%zu.%s";
    size_t of = 0;
    for (size_t at = 0; at < SNS_ATTRIBUTES_MAX && entry->attributes[at].name != NULL; at++) {
        const struct sns_attribute *attribute = &entry->attributes[at];
        if (attribute->value.size == 0)
            continue;
        of++;
        aws_form_add_at(form, text_of(attribute->name), PATTERN, number, of, "Name");
        aws_form_add_at(form, TEXT("String"), PATTERN, number, of, "Value.DataType");
        aws_form_add_at(form, attribute->value, PATTERN, number, of, "Value.StringValue");
    }
}

static void add_entry(struct text_builder *form, struct arena *arena, size_t at,
                      const struct sns_entry *entry)
{
    static const char PATTERN[] = "PublishBatchRequestEntries.member.%zu.%s";
    const size_t number = at + 1;
    aws_form_add_at(form, text_format(arena, "%zu", at), PATTERN, number, "Id");
    aws_form_add_at(form, entry->body, PATTERN, number, "Message");
    if (!text_is_none(entry->group)) {
        aws_form_add_at(form, entry->group, PATTERN, number, "MessageGroupId");
        aws_form_add_at(form, entry->deduplication, PATTERN, number, "MessageDeduplicationId");
    }
    add_attributes(form, number, entry);
}

static void write_call(struct arena *arena, struct batch *batch)
{
    struct text_builder form;
    text_builder_init(&form, arena, batch->size * 3 / 2 + 1024);
    aws_form_add(&form, "Action", TEXT("PublishBatch"));
    aws_form_add(&form, "Version", TEXT("2010-03-31"));
    aws_form_add(&form, "TopicArn", batch->places[0]->entry->topic_arn);
    for (size_t at = 0; at < batch->count; at++)
        add_entry(&form, arena, at, batch->places[at]->entry);
    batch->call = (struct aws_call){.action = "PublishBatch", .body = text_builder_text(&form)};
}

/* An entry that the answer does not name was not taken. */
static void note_sent(struct batch *batch)
{
    struct text rest = aws_xml_find(batch->call.reply, "Successful");
    for (struct text id; !text_is_none(id = aws_xml_next(&rest, "Id"));) {
        int64_t at;
        if (text_to_i64(id, &at) && at < (int64_t)batch->count)
            batch->places[at]->entry->is_sent = true;
    }
}

static void note_refused(struct sending *s, const struct batch *batch)
{
    struct error err;
    size_t refused = 0;
    for (size_t at = 0; at < batch->count; at++)
        refused += !batch->places[at]->entry->is_sent;
    if (refused == 0)
        return;
    const struct text failed = aws_xml_find(batch->call.reply, "Failed");
    error_set(&err, ERR_BROKEN, "SNS took all but %zu of %zu messages: %.*s %.*s", refused,
              batch->count, TEXT_ARGS(aws_xml_find(failed, "Code")),
              TEXT_ARGS(aws_xml_find(failed, "Message")));
    note_failure(s, &err);
}

static void note_outcome(struct sending *s, struct batch *batch)
{
    struct error err;
    if (sns_outcome(&batch->call, &err) != OK) {
        note_failure(s, &err);
        return;
    }
    note_sent(batch);
    note_refused(s, batch);
}

/* Only what fails before anything was sent is an error here. */
static enum status send_turn(struct sending *s, struct batch *batches, size_t count,
                             struct error *err)
{
    struct aws_call **calls = ARENA_NEW_ARRAY(s->arena, struct aws_call *, count);
    for (size_t at = 0; at < count; at++) {
        write_call(s->arena, &batches[at]);
        calls[at] = &batches[at].call;
    }
    const struct aws_batch batch = {calls, count, s->deadline_us};
    TRY(sns_run_all(s->client, s->arena, &batch, err));
    for (size_t at = 0; at < count; at++)
        note_outcome(s, &batches[at]);
    return OK;
}

enum status sns_send(struct aws_client *client, struct arena *arena, struct sns_entry *entries,
                     size_t count, struct error *err)
{
    struct sending s = {
        .client = client,
        .arena = arena,
        .places = ARENA_NEW_ARRAY(arena, struct place, count),
        .count = count,
        .deadline_us = clock_monotonic_us() + SEND_TIME_US,
    };
    for (size_t at = 0; at < count; at++)
        s.places[at].entry = &entries[at];
    struct place **order = arrange(&s);
    for (size_t at = 0; at < count;) {
        size_t batch_count;
        struct batch *batches = gather(&s, order, &at, &batch_count);
        if (batch_count > 0)
            TRY(send_turn(&s, batches, batch_count, err));
    }
    return s.first.status == OK ? OK : error_set(err, s.first.status, "%s", s.first.message);
}
