#include "platform/bus/kafka_message.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/json.h"
#include "base/sha256.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>

enum { HEADERS_MAX = 256 }; /* of one message; ours have some twenty */

static const int64_t US_PER_MS = 1000;
static const int64_t TIME_MS_MAX = INT64_C(253402300799999); /* the end of the year 9999 */

/* ---- writing ------------------------------------------------------------------------------- */

static void add(rd_kafka_headers_t *headers, const char *name, struct text value)
{
    const rd_kafka_resp_err_t code =
        rd_kafka_header_add(headers, name, -1, value.data, (ssize_t)value.size);
    ASSERT(code == RD_KAFKA_RESP_ERR_NO_ERROR);
}

/* Headers that cannot be read are left out: readers will tell that it has none. */
static rd_kafka_headers_t *write_given(struct arena *arena, struct text given)
{
    struct json_value all;
    struct error ignored;
    if (json_parse(arena, given, &all, &ignored) != OK || all.type != JSON_OBJECT)
        return rd_kafka_headers_new(1);
    rd_kafka_headers_t *headers = rd_kafka_headers_new(all.count);
    for (size_t at = 0; at < all.count; at++) {
        const struct json_value *value = &all.members[at].value;
        add(headers, text_to_c(arena, all.members[at].name),
            value->type == JSON_STRING ? value->text : value->source);
    }
    return headers;
}

rd_kafka_headers_t *kafka_write_headers(struct arena *arena, const struct message *message)
{
    if (!text_is_none(message->headers))
        return write_given(arena, message->headers);
    const struct message_headers all = message_list_headers(arena, message);
    rd_kafka_headers_t *headers = rd_kafka_headers_new(all.count);
    for (size_t at = 0; at < all.count; at++)
        add(headers, all.items[at].name, all.items[at].value);
    return headers;
}

/* ---- reading ------------------------------------------------------------------------------- */

/* The library's own view of its headers; they stay the message's. NULL: there are none. */
static rd_kafka_headers_t *headers_of(const rd_kafka_message_t *from)
{
    rd_kafka_headers_t *headers = NULL;
    return rd_kafka_message_headers(from, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR ? headers : NULL;
}

struct header {
    const char *name;
    struct text value;
};

static bool header_at(const rd_kafka_headers_t *headers, size_t at, struct header *header_out)
{
    const void *value = NULL;
    struct header header;
    if (headers == NULL ||
        rd_kafka_header_get_all(headers, at, &header.name, &value, &header.value.size) !=
            RD_KAFKA_RESP_ERR_NO_ERROR)
        return false;
    header.value.data = value == NULL ? "" : value;
    *header_out = header;
    return true;
}

size_t kafka_message_size(const rd_kafka_message_t *from)
{
    const rd_kafka_headers_t *headers = headers_of(from);
    struct header header;
    size_t size = from->len;
    for (size_t at = 0; header_at(headers, at, &header); at++)
        size += strlen(header.name) + header.value.size;
    return size;
}

/* Kafka takes a name twice, where the last one counts; JSON does not. */
static bool is_last_of_its_name(const rd_kafka_headers_t *headers, size_t at,
                                const struct header *header)
{
    struct header later;
    for (at++; header_at(headers, at, &later); at++)
        if (strcmp(later.name, header->name) == 0)
            return false;
    return true;
}

/* No table takes a NUL. Other bytes that are no text are the writer's business. */
static struct text without_nul(struct arena *arena, struct text value)
{
    if (value.size == 0 || memchr(value.data, '\0', value.size) == NULL)
        return value;
    char *copy = arena_alloc(arena, value.size);
    for (size_t at = 0; at < value.size; at++)
        copy[at] = value.data[at] == '\0' ? '?' : value.data[at];
    return (struct text){copy, value.size};
}

static struct text read_headers(struct arena *arena, const rd_kafka_message_t *from)
{
    const rd_kafka_headers_t *headers = headers_of(from);
    struct text_builder out;
    struct json_writer w;
    struct header header;
    text_builder_init(&out, arena, 1024);
    json_writer_init(&w, &out);
    json_begin_object(&w, NULL);
    for (size_t at = 0; header_at(headers, at, &header); at++)
        if (utf8_is_valid(text_of(header.name)) && is_last_of_its_name(headers, at, &header))
            json_write_text(&w, header.name, without_nul(arena, header.value));
    json_end_object(&w);
    return text_builder_text(&out);
}

/* Bytes that no column of text can hold are kept as CloudEvents keep them in JSON. */
static struct text in_base64(struct arena *arena, struct text bytes)
{
    unsigned char *encoded = arena_alloc(arena, (bytes.size + 2) / 3 * 4 + 1);
    const int size = EVP_EncodeBlock(encoded, (const unsigned char *)bytes.data, (int)bytes.size);
    return text_format(arena, "{\"data_base64\":\"%.*s\"}", size, (const char *)encoded);
}

/* NULL: nothing is wrong with it. */
static const char *read_payload(struct arena *arena, const rd_kafka_message_t *from,
                                struct text *payload_out)
{
    const struct text value = {from->payload, from->len};
    *payload_out = TEXT("");
    if (value.data == NULL)
        return "the payload is missing";
    if (!utf8_is_valid(value) || memchr(value.data, '\0', value.size) != NULL) {
        *payload_out = in_base64(arena, value);
        return "the payload is no text";
    }
    *payload_out = text_copy(arena, value);
    return NULL;
}

/* The same for each reading of the same place. */
static struct uuid id_of_place(const char *what, const struct message *message)
{
    char place[64];
    const int size =
        snprintf(place, sizeof place, "%d/%" PRId64, message->partition, message->offset);
    const struct text parts[] = {text_of(what), message->topic, {place, (size_t)size}};
    const struct sha256 digest = sha256_of_parts(parts, COUNT(parts));
    return uuid_from_digest(digest.bytes);
}

static int64_t published_us(const rd_kafka_message_t *from)
{
    rd_kafka_timestamp_type_t type;
    const int64_t time_ms = rd_kafka_message_timestamp(from, &type);
    return time_ms > 0 && time_ms <= TIME_MS_MAX ? time_ms * US_PER_MS : 0;
}

/* What its place says holds even where it says nothing itself: the key that has decided its
 * partition is its key, whatever its headers say. */
static void complete(const rd_kafka_message_t *from, struct message *message)
{
    const struct text key = {from->key, from->key_len};
    struct uuid read;
    const bool has_key = key.data != NULL && uuid_parse(key, &read) && !uuid_is_nil(&read);
    if (message->malformed == NULL && !has_key)
        message->malformed = "the key is no UUID";
    if (message->malformed == NULL && uuid_is_nil(&message->id))
        message->malformed = "header 'ce_id' is nil";
    message->key = has_key ? read : id_of_place("key", message);
    if (uuid_is_nil(&message->id))
        message->id = id_of_place("id", message);
}

/* Its id, if it has one, although others of its headers are wrong. */
static struct uuid find_id(struct arena *arena, struct text headers)
{
    struct json_value all;
    struct error ignored;
    struct uuid id = {{0}};
    if (json_parse(arena, headers, &all, &ignored) == OK)
        (void)json_get_uuid(&all, "ce_id", &id);
    return id;
}

static bool is_too_large(const rd_kafka_message_t *from)
{
    const rd_kafka_headers_t *headers = headers_of(from);
    return kafka_message_size(from) > KAFKA_MESSAGE_SIZE_MAX ||
           (headers != NULL && rd_kafka_header_cnt(headers) > HEADERS_MAX);
}

void kafka_read_message(struct arena *arena, const rd_kafka_message_t *from, struct text topic,
                        struct message *message_out)
{
    struct error err;
    struct message message = {
        .topic = topic,
        .partition = from->partition,
        .offset = from->offset,
        .published_us = published_us(from),
        .headers = TEXT("{}"),
        .payload = TEXT(""),
    };
    if (is_too_large(from)) {
        message.malformed = "the message is too large, it stays where it was read";
    } else {
        message.headers = read_headers(arena, from);
        message.malformed = read_payload(arena, from, &message.payload);
        if (message_parse_headers(arena, message.headers, &message, &err) != OK) {
            message.malformed = text_to_c(arena, text_of(err.message));
            message.id = find_id(arena, message.headers);
        }
    }
    complete(from, &message);
    *message_out = message;
}
