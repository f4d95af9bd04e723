#include "platform/tracing/span_record.h"

#include "base/assert.h"
#include "base/utf8.h"

_Static_assert(sizeof(struct span_record) + SPAN_LINKS_MAX * SPAN_RECORD_LINK_SIZE +
                       SPAN_ATTRIBUTES_MAX *
                           (sizeof(struct span_record_attribute) + SPAN_TEXT_SIZE_MAX + 1) +
                       TRACESTATE_SIZE_MAX + 4 * (SPAN_TEXT_SIZE_MAX + SPAN_RECORD_ALIGNMENT) <
                   SPAN_RECORD_SIZE_MAX,
               "the largest record fits");
_Static_assert(SPAN_RECORD_SIZE_MAX <= UINT16_MAX, "places fit into 16 bits");
_Static_assert(ATTRIBUTE_COUNT <= UINT8_MAX, "keys fit into 8 bits");
_Static_assert(SPAN_LINKS_MAX <= UINT8_MAX, "a count of links fits into 8 bits");

/* A record that grows at its end. */
struct pen {
    char *memory;
    size_t size;
};

static void align(struct pen *pen)
{
    while (pen->size % SPAN_RECORD_ALIGNMENT != 0)
        pen->memory[pen->size++] = '\0';
}

static void put(struct pen *pen, const void *data, size_t size)
{
    if (size == 0)
        return;
    memcpy(pen->memory + pen->size, data, size);
    pen->size += size;
}

/* A receiver refuses the whole batch for one text that is no UTF-8. */
static void mend(char *text, size_t size)
{
    if (utf8_is_valid((struct text){text, size}))
        return;
    for (size_t at = 0; at < size; at++)
        if ((unsigned char)text[at] >= 0x80)
            text[at] = '?';
}

static uint16_t put_text(struct pen *pen, struct text first, struct text rest, size_t size_max)
{
    const size_t at = pen->size;
    const struct text one = utf8_clip(first, size_max);
    const struct text two = utf8_clip(rest, size_max - one.size);
    put(pen, one.data, one.size);
    put(pen, two.data, two.size);
    mend(pen->memory + at, pen->size - at);
    pen->memory[pen->size++] = '\0';
    return (uint16_t)at;
}

static void put_name(struct pen *pen, struct span_record *record, const struct span *span)
{
    const char *word = span->word == NULL ? SPAN_TYPES[span->type].word : span->word;
    char first[SPAN_TEXT_SIZE_MAX];
    size_t size = strlen(word);
    ASSERT(size > 0 && size + 1 < sizeof first);
    memcpy(first, word, size);
    if (!text_is_none(span->subject) && span->subject.size > 0)
        first[size++] = ' ';
    record->name_at = put_text(pen, (struct text){first, size}, span->subject, SPAN_TEXT_SIZE_MAX);
}

static void put_links(struct pen *pen, struct span_record *record, const struct span *span)
{
    record->links_at = (uint16_t)pen->size;
    for (size_t at = 0; at < span->link_count; at++) {
        const struct trace_context *link = &span->links[at];
        if (!link->sampled)
            continue;
        if (record->link_count == SPAN_LINKS_MAX) {
            record->links_dropped++;
            continue;
        }
        put(pen, link->trace_id, TRACE_ID_SIZE);
        put(pen, link->span_id, SPAN_ID_SIZE);
        record->link_count++;
    }
    align(pen);
}

static struct text text_of_attribute(const struct span_attribute *attribute)
{
    return text_is_none(attribute->text) ? text_of(attribute->digits) : attribute->text;
}

static void put_attribute(struct pen *pen, struct span_record *record,
                          struct span_record_attribute *places,
                          const struct span_attribute *attribute)
{
    if (attribute->kind == SPAN_VALUE_NONE)
        return;
    if (record->attribute_count == SPAN_ATTRIBUTES_MAX) {
        record->attributes_dropped++;
        return;
    }
    struct span_record_attribute *place = &places[record->attribute_count++];
    *place = (struct span_record_attribute){.number = attribute->number,
                                            .key = (uint8_t)attribute->key,
                                            .kind = (uint8_t)attribute->kind};
    if (attribute->kind == SPAN_VALUE_TEXT)
        place->text_at = put_text(pen, text_of_attribute(attribute), TEXT_NONE, SPAN_TEXT_SIZE_MAX);
}

/* The table of attributes first, their texts behind it. */
static void put_attributes(struct pen *pen, struct span_record *record, const struct span *span)
{
    struct span_record_attribute places[SPAN_ATTRIBUTES_MAX];
    const struct span_attribute *attribute = span->attributes;
    const struct span_attribute error = span_str(ATTRIBUTE_ERROR_TYPE, span->error);
    put_attribute(pen, record, places, &error);
    for (; attribute != NULL && attribute->key != ATTRIBUTE_NONE; attribute++)
        put_attribute(pen, record, places, attribute);
    align(pen);
    record->attributes_at = (uint16_t)pen->size;
    put(pen, places, record->attribute_count * sizeof places[0]);
}

struct span_record *span_record_write(void *memory, const struct span *span, int64_t offset_us)
{
    struct span_record *record = memory;
    struct pen pen = {.memory = memory, .size = sizeof *record};
    const int64_t ended_us = span->ended_us < span->begun_us ? span->begun_us : span->ended_us;
    *record = (struct span_record){
        .begun_ns = (uint64_t)(span->begun_us + offset_us) * 1000,
        .ended_ns = (uint64_t)(ended_us + offset_us) * 1000,
        .kind = (uint8_t)SPAN_TYPES[span->type].kind,
        .is_error = span->error != NULL,
    };
    memcpy(record->trace_id, span->context.trace_id, TRACE_ID_SIZE);
    memcpy(record->span_id, span->context.span_id, SPAN_ID_SIZE);
    memcpy(record->parent_id, span->parent_id, SPAN_ID_SIZE);
    put_links(&pen, record, span);
    put_name(&pen, record, span);
    if (span->context.state.size > 0 && span->context.state.size <= TRACESTATE_SIZE_MAX)
        record->tracestate_at = put_text(&pen, span->context.state, TEXT_NONE, TRACESTATE_SIZE_MAX);
    put_attributes(&pen, record, span);
    align(&pen);
    ASSERT(pen.size <= SPAN_RECORD_SIZE_MAX);
    record->size = (uint32_t)pen.size;
    return record;
}

/* A whole multiple of the alignment, so that casts from it are good. */
static const char *place(const struct span_record *record, uint16_t at)
{
    ASSERT(at >= sizeof *record && at <= record->size);
    return (const char *)record + at;
}

const char *span_record_text(const struct span_record *record, uint16_t at)
{
    return place(record, at);
}

const struct span_record_attribute *span_record_attributes(const struct span_record *record)
{
    return (const void *)place(record, record->attributes_at);
}

const char *span_record_links(const struct span_record *record)
{
    return place(record, record->links_at);
}
