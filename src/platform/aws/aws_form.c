#include "platform/aws/aws_form.h"

#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- forms --------------------------------------------------------------------------------- */

static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

static void add_encoded(struct text_builder *form, struct text value)
{
    static const char DIGITS[] = "0123456789ABCDEF";
    for (size_t at = 0; at < value.size; at++) {
        const unsigned char c = (unsigned char)value.data[at];
        const char coded[] = {'%', DIGITS[c >> 4], DIGITS[c & 15]};
        if (is_unreserved(value.data[at]))
            text_builder_add(form, &value.data[at], 1);
        else
            text_builder_add(form, coded, sizeof coded);
    }
}

void aws_form_add(struct text_builder *form, const char *name, struct text value)
{
    if (form->size > 0)
        text_builder_add_c(form, "&");
    add_encoded(form, text_of(name));
    text_builder_add_c(form, "=");
    add_encoded(form, value);
}

void aws_form_add_at(struct text_builder *form, struct text value, const char *name_format, ...)
{
    char name[256];
    va_list args;
    va_start(args, name_format);
    vsnprintf(name, sizeof name, name_format, args);
    va_end(args);
    aws_form_add(form, name, value);
}

/* ---- XML ----------------------------------------------------------------------------------- */

static const char *find(struct text in, struct text what)
{
    return in.size == 0 ? NULL : memmem(in.data, in.size, what.data, what.size);
}

/* What follows the next start tag of that name; TEXT_NONE: there is none. Sets whether the element
 * ends right there: <name/>. */
static struct text after_start(struct text in, const char *name, bool *is_empty_out)
{
    const size_t name_size = strlen(name);
    for (const char *tag; (tag = find(in, TEXT("<"))) != NULL;) {
        in = text_skip(in, (size_t)(tag - in.data) + 1);
        if (!text_starts_with(in, name) || in.size == name_size ||
            strchr(" />\n", in.data[name_size]) == NULL)
            continue;
        const char *end = find(in, TEXT(">"));
        if (end == NULL)
            return TEXT_NONE;
        *is_empty_out = end[-1] == '/';
        return text_skip(in, (size_t)(end - in.data) + 1);
    }
    return TEXT_NONE;
}

struct text aws_xml_next(struct text *rest, const char *name)
{
    char end_tag[128];
    bool is_empty = false;
    const struct text within = after_start(*rest, name, &is_empty);
    *rest = within;
    if (text_is_none(within) || is_empty)
        return text_is_none(within) ? TEXT_NONE : (struct text){within.data, 0};
    snprintf(end_tag, sizeof end_tag, "</%s>", name);
    const char *end = find(within, text_of(end_tag));
    if (end == NULL) {
        *rest = TEXT_NONE;
        return TEXT_NONE;
    }
    const size_t size = (size_t)(end - within.data);
    *rest = text_skip(within, size + strlen(end_tag));
    return (struct text){within.data, size};
}

struct text aws_xml_find(struct text xml, const char *name)
{
    return aws_xml_next(&xml, name);
}

/* A code point as UTF-8; what is none is left out. */
static void add_code_point(struct text_builder *out, unsigned long code)
{
    const char two[] = {(char)(0xC0 | code >> 6), (char)(0x80 | (code & 63))};
    const char three[] = {(char)(0xE0 | code >> 12), (char)(0x80 | (code >> 6 & 63)),
                          (char)(0x80 | (code & 63))};
    const char four[] = {(char)(0xF0 | code >> 18), (char)(0x80 | (code >> 12 & 63)),
                         (char)(0x80 | (code >> 6 & 63)), (char)(0x80 | (code & 63))};
    if (code < 0x80)
        text_builder_add(out, (const char[]){(char)code}, 1);
    else if (code < 0x800)
        text_builder_add(out, two, sizeof two);
    else if (code < 0x10000)
        text_builder_add(out, three, sizeof three);
    else if (code < 0x110000)
        text_builder_add(out, four, sizeof four);
}

/* `entity` without its & and ; */
static void add_entity(struct text_builder *out, struct text entity)
{
    static const struct {
        const char *name;
        const char *meaning;
    } NAMED[] = {{"lt", "<"}, {"gt", ">"}, {"amp", "&"}, {"quot", "\""}, {"apos", "'"}};
    for (size_t at = 0; at < sizeof NAMED / sizeof NAMED[0]; at++)
        if (text_equals_c(entity, NAMED[at].name)) {
            text_builder_add_c(out, NAMED[at].meaning);
            return;
        }
    char digits[16];
    snprintf(digits, sizeof digits, "%.*s", TEXT_ARGS(entity));
    if (digits[0] == '#' && digits[1] == 'x')
        add_code_point(out, strtoul(digits + 2, NULL, 16));
    else if (digits[0] == '#')
        add_code_point(out, strtoul(digits + 1, NULL, 10));
}

struct text aws_xml_unescape(struct arena *arena, struct text escaped)
{
    struct text_builder out;
    text_builder_init(&out, arena, escaped.size + 1);
    while (escaped.size > 0) {
        text_builder_add_text(&out, text_cut(&escaped, '&'));
        if (!text_is_none(escaped))
            add_entity(&out, text_cut(&escaped, ';'));
    }
    return text_builder_text(&out);
}
