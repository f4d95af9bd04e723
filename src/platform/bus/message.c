#include "platform/bus/message.h"

#include "base/arena.h"
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

static void write_id(struct json_writer *w, const char *name, const struct uuid *id)
{
    if (!uuid_is_nil(id))
        json_write_uuid(w, name, id);
}

static void write_text(struct json_writer *w, const char *name, struct text value)
{
    if (!text_is_none(value))
        json_write_text(w, name, value);
}

/* Padded, so that sequences also sort as text. */
static void write_sequence(struct json_writer *w, struct arena *arena, int64_t sequence)
{
    json_write_text(w, "ce_sequence", text_format(arena, "%020" PRId64, sequence));
}

/* The schema's name is the type's, without the part that is the same for all of ours. */
static void write_schema(struct json_writer *w, struct arena *arena, struct text type)
{
    if (text_starts_with(type, TYPE_PREFIX))
        type = text_skip(type, sizeof TYPE_PREFIX - 1);
    json_write_text(w, "ce_dataschema",
                    text_format(arena, "%s%.*s", SCHEMA_PREFIX, TEXT_ARGS(type)));
}

struct text message_write_headers(struct arena *arena, const struct message *message)
{
    struct text_builder out;
    struct json_writer w;
    text_builder_init(&out, arena, 768);
    json_writer_init(&w, &out);
    json_begin_object(&w, NULL);
    json_write_text(&w, "content-type", TEXT("application/json"));
    json_write_text(&w, "ce_specversion", TEXT("1.0"));
    json_write_uuid(&w, "ce_id", &message->id);
    json_write_text(&w, "ce_source", message->source);
    json_write_text(&w, "ce_type", message->type);
    write_schema(&w, arena, message->type);
    json_write_uuid(&w, "ce_subject", &message->subject);
    json_write_time(&w, "ce_time", message->time_us);
    json_write_uuid(&w, "ce_partitionkey", &message->key);
    write_sequence(&w, arena, message->sequence);
    write_text(&w, "ce_tenantid", message->tenant);
    write_id(&w, "ce_sagaid", &message->saga_id);
    write_id(&w, "ce_commandid", &message->command_id);
    write_text(&w, "traceparent", message->traceparent);
    write_text(&w, "ce_traceparent", message->origin_traceparent);
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
    *message_out = message;
    return OK;
}
