#include "platform/bus/message.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/json.h"
#include "base/timestamp.h"

#include <inttypes.h>

static const char TYPE_PREFIX[] = "dev.tallystick.";
static const char TYPE_VERSION[] = ".v1";
static const char SCHEMA_PREFIX[] = "urn:tallystick:event:";

struct text message_type_of(struct arena *arena, struct text event_name)
{
    return text_format(arena, "%s%.*s%s", TYPE_PREFIX, TEXT_ARGS(event_name), TYPE_VERSION);
}

struct text message_event_name(struct text type)
{
    const size_t version_size = sizeof TYPE_VERSION - 1;
    if (!text_starts_with(type, TYPE_PREFIX))
        return TEXT_NONE;
    struct text name = text_skip(type, sizeof TYPE_PREFIX - 1);
    if (name.size <= version_size ||
        !text_equals_c(text_skip(name, name.size - version_size), TYPE_VERSION))
        return TEXT_NONE;
    name.size -= version_size;
    return name;
}

/* ---- writing ------------------------------------------------------------------------------- */

static void add(struct message_headers *headers, const char *name, struct text value)
{
    if (text_is_none(value))
        return;
    ASSERT(headers->count < MESSAGE_HEADERS_MAX);
    headers->items[headers->count++] = (struct message_header){name, value};
}

static void add_id(struct message_headers *headers, struct arena *arena, const char *name,
                   const struct uuid *id)
{
    if (!uuid_is_nil(id))
        add(headers, name, uuid_to_text(arena, id));
}

/* The schema's name is the type's, without the part that is the same for all of ours. */
static struct text schema_of(struct arena *arena, struct text type)
{
    if (text_starts_with(type, TYPE_PREFIX))
        type = text_skip(type, sizeof TYPE_PREFIX - 1);
    return text_format(arena, "%s%.*s", SCHEMA_PREFIX, TEXT_ARGS(type));
}

static struct text time_text(struct arena *arena, int64_t time_us)
{
    char *text = arena_alloc(arena, TIMESTAMP_TEXT_SIZE + 1);
    timestamp_format(time_us, text);
    return (struct text){text, TIMESTAMP_TEXT_SIZE};
}

struct message_headers message_list_headers(struct arena *arena, const struct message *message)
{
    struct message_headers all = {.count = 0};
    add(&all, "content-type", TEXT("application/json"));
    add(&all, "ce_specversion", TEXT("1.0"));
    add(&all, "ce_id", uuid_to_text(arena, &message->id));
    add(&all, "ce_source", message->source);
    add(&all, "ce_type", message->type);
    add(&all, "ce_dataschema", schema_of(arena, message->type));
    add(&all, "ce_subject", uuid_to_text(arena, &message->subject));
    add(&all, "ce_time", time_text(arena, message->time_us));
    add(&all, "ce_partitionkey", uuid_to_text(arena, &message->key));
    /* padded, so that sequences also sort as text */
    add(&all, "ce_sequence", text_format(arena, "%020" PRId64, message->sequence));
    add(&all, "ce_tenantid", message->tenant);
    add_id(&all, arena, "ce_sagaid", &message->saga_id);
    add_id(&all, arena, "ce_commandid", &message->command_id);
    add(&all, "traceparent", message->traceparent);
    add(&all, "tracestate", message->tracestate);
    add(&all, "ce_traceparent", message->origin_traceparent);
    add(&all, "ce_tracestate", message->tracestate);
    return all;
}

struct text message_write_headers(struct arena *arena, const struct message *message)
{
    const struct message_headers all = message_list_headers(arena, message);
    struct text_builder out;
    struct json_writer w;
    text_builder_init(&out, arena, 768);
    json_writer_init(&w, &out);
    json_begin_object(&w, NULL);
    for (size_t at = 0; at < all.count; at++)
        json_write_text(&w, all.items[at].name, all.items[at].value);
    json_end_object(&w);
    return text_builder_text(&out);
}

/* ---- reading ------------------------------------------------------------------------------- */

static enum status refuse(struct error *err, const char *name)
{
    return error_set(err, ERR_INVALID, "header '%s' is missing or malformed", name);
}

static enum status read_text(const struct json_value *headers, const char *name,
                             struct text *value_out, struct error *err)
{
    const struct text value = json_get_text(headers, name);
    if (value.size == 0)
        return refuse(err, name);
    *value_out = value;
    return OK;
}

static enum status read_id(const struct json_value *headers, const char *name,
                           struct uuid *value_out, struct error *err)
{
    return json_get_uuid(headers, name, value_out) ? OK : refuse(err, name);
}

/* A header that may be absent, but not wrong. */
static enum status read_optional_id(const struct json_value *headers, const char *name,
                                    struct uuid *value_out, struct error *err)
{
    if (json_get(headers, name) != NULL)
        return read_id(headers, name, value_out, err);
    *value_out = (struct uuid){{0}};
    return OK;
}

static enum status read_time(const struct json_value *headers, const char *name, int64_t *value_out,
                             struct error *err)
{
    return timestamp_parse(json_get_text(headers, name), value_out) ? OK : refuse(err, name);
}

static enum status read_sequence(const struct json_value *headers, const char *name,
                                 int64_t *value_out, struct error *err)
{
    return text_to_i64(json_get_text(headers, name), value_out) ? OK : refuse(err, name);
}

enum status message_parse_headers(struct arena *arena, struct text headers,
                                  struct message *message_out, struct error *err)
{
    struct json_value all;
    struct message message = *message_out;
    TRY(json_parse(arena, headers, &all, err));
    if (!text_equals_c(json_get_text(&all, "ce_specversion"), "1.0"))
        return refuse(err, "ce_specversion");
    TRY(read_id(&all, "ce_id", &message.id, err));
    TRY(read_text(&all, "ce_source", &message.source, err));
    TRY(read_text(&all, "ce_type", &message.type, err));
    TRY(read_id(&all, "ce_subject", &message.subject, err));
    TRY(read_time(&all, "ce_time", &message.time_us, err));
    TRY(read_id(&all, "ce_partitionkey", &message.key, err));
    TRY(read_sequence(&all, "ce_sequence", &message.sequence, err));
    TRY(read_optional_id(&all, "ce_sagaid", &message.saga_id, err));
    TRY(read_optional_id(&all, "ce_commandid", &message.command_id, err));
    message.tenant = json_get_text(&all, "ce_tenantid");
    message.traceparent = json_get_text(&all, "traceparent");
    message.origin_traceparent = json_get_text(&all, "ce_traceparent");
    message.tracestate = json_get_text(&all, "tracestate");
    *message_out = message;
    return OK;
}
