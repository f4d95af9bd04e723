#include "platform/bus/message_structured.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/json.h"

static const char ATTRIBUTE_PREFIX[] = "ce_";
static const char DATA[] = "data";

/* Headers that are no CloudEvents attributes, and the extensions that they become: such a name has
 * lower case letters and digits only. `traceparent` and `tracestate` are taken: they are
 * ce_traceparent and ce_tracestate, the origin's. */
static const struct {
    const char *header, *member;
} NAMES[] = {
    {"content-type", "datacontenttype"},
    {"traceparent", "producertraceparent"},
    {"tracestate", "producertracestate"},
    {"x-dlq-original-topic", "dlqoriginaltopic"},
    {"x-dlq-original-partition", "dlqoriginalpartition"},
    {"x-dlq-original-offset", "dlqoriginaloffset"},
    {"x-dlq-original-timestamp", "dlqoriginaltimestamp"},
    {"x-dlq-consumer-group", "dlqconsumergroup"},
    {"x-dlq-attempts", "dlqattempts"},
    {"x-dlq-first-failed-at", "dlqfirstfailedat"},
    {"x-dlq-last-failed-at", "dlqlastfailedat"},
    {"x-dlq-error-class", "dlqerrorclass"},
    {"x-dlq-error-code", "dlqerrorcode"},
    {"x-dlq-error-message", "dlqerrormessage"},
    {"x-dlq-service-version", "dlqserviceversion"},
    {"x-dlq-trace-id", "dlqtraceid"},
    {"x-dlq-redrive-count", "dlqredrivecount"},
    {"x-dlq-redrive-id", "dlqredriveid"},
};

/* ---- writing ------------------------------------------------------------------------------- */

static bool is_attribute_name(struct text name)
{
    for (size_t at = 0; at < name.size; at++)
        if (!(name.data[at] >= 'a' && name.data[at] <= 'z') &&
            !(name.data[at] >= '0' && name.data[at] <= '9'))
            return false;
    return name.size > 0 && !text_equals_c(name, DATA);
}

static bool is_taken(struct text name)
{
    for (size_t at = 0; at < COUNT(NAMES); at++)
        if (text_equals_c(name, NAMES[at].member))
            return true;
    return false;
}

/* NULL: the header has no name here. */
static const char *member_of(struct arena *arena, struct text header)
{
    for (size_t at = 0; at < COUNT(NAMES); at++)
        if (text_equals_c(header, NAMES[at].header))
            return NAMES[at].member;
    if (!text_starts_with(header, ATTRIBUTE_PREFIX))
        return NULL;
    const struct text name = text_skip(header, sizeof ATTRIBUTE_PREFIX - 1);
    return is_attribute_name(name) && !is_taken(name) ? text_to_c(arena, name) : NULL;
}

static void write_members(struct json_writer *w, struct arena *arena,
                          const struct json_value *headers)
{
    for (size_t at = 0; at < headers->count; at++) {
        const struct json_member *header = &headers->members[at];
        const char *name = member_of(arena, header->name);
        if (name != NULL && header->value.type == JSON_STRING)
            json_write_text(w, name, header->value.text);
    }
}

/* The payload as the one item of an array, for as a member it is as deep; NULL: it cannot be. */
static const struct json_value *read_nested(struct arena *arena, struct text payload)
{
    struct json_value *list = ARENA_NEW(arena, struct json_value);
    struct text_builder nested;
    text_builder_init(&nested, arena, payload.size + 2);
    text_builder_add(&nested, "[", 1);
    text_builder_add_text(&nested, payload);
    text_builder_add(&nested, "]", 1);
    if (json_parse(arena, text_builder_text(&nested), list, NULL) != OK || list->count != 1)
        return NULL;
    return list->items;
}

/* What is no JSON, or too deep, can only be a dead letter's: others are to read it all the same. */
static void write_data(struct json_writer *w, struct arena *arena, struct text payload)
{
    const struct json_value *data = read_nested(arena, payload);
    if (data != NULL)
        json_write_raw(w, DATA, data->source);
    else
        json_write_text(w, DATA, payload);
}

enum status message_write_structured(struct arena *arena, const struct message *message,
                                     struct text *body_out, struct error *err)
{
    struct json_value headers;
    struct text_builder out;
    struct json_writer w;
    const struct text written =
        text_is_none(message->headers) ? message_write_headers(arena, message) : message->headers;
    TRY(json_parse(arena, written, &headers, err));
    if (headers.type != JSON_OBJECT)
        return error_set(err, ERR_INVALID, "the headers are no JSON object");
    text_builder_init(&out, arena, written.size + message->payload.size + 256);
    json_writer_init(&w, &out);
    json_begin_object(&w, NULL);
    write_members(&w, arena, &headers);
    write_data(&w, arena, message->payload);
    json_end_object(&w);
    *body_out = text_builder_text(&out);
    return OK;
}

/* ---- reading ------------------------------------------------------------------------------- */

static const char *header_of(struct arena *arena, struct text member)
{
    for (size_t at = 0; at < COUNT(NAMES); at++)
        if (text_equals_c(member, NAMES[at].member))
            return NAMES[at].header;
    return text_format(arena, "%s%.*s", ATTRIBUTE_PREFIX, TEXT_ARGS(member)).data;
}

/* An attribute of others may be a number or a boolean: its text is its value. */
static struct text value_of(const struct json_value *value)
{
    return value->type == JSON_STRING ? value->text : value->source;
}

static struct text read_headers(struct arena *arena, const struct json_value *body)
{
    struct text_builder out;
    struct json_writer w;
    text_builder_init(&out, arena, 1024);
    json_writer_init(&w, &out);
    json_begin_object(&w, NULL);
    for (size_t at = 0; at < body->count; at++) {
        const struct json_member *member = &body->members[at];
        if (member->value.type != JSON_NULL && is_attribute_name(member->name))
            json_write_text(&w, header_of(arena, member->name), value_of(&member->value));
    }
    json_end_object(&w);
    return text_builder_text(&out);
}

enum status message_parse_structured(struct arena *arena, struct text body,
                                     struct message *message_out, struct error *err)
{
    struct json_value all;
    TRY(json_parse(arena, body, &all, err));
    if (all.type != JSON_OBJECT)
        return error_set(err, ERR_INVALID, "the body is no JSON object");
    const struct json_value *data = json_get(&all, DATA);
    message_out->headers = read_headers(arena, &all);
    message_out->payload = data == NULL ? TEXT("null") : data->source;
    if (data == NULL)
        return error_set(err, ERR_INVALID, "the body has no member 'data'");
    return message_parse_headers(arena, message_out->headers, message_out, err);
}
