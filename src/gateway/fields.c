#include "gateway/fields.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/utf8.h"

enum { NAME_SIZE_MAX = 64 };

static void add(struct field_errors *fields, enum problem_code code, struct problem_error error)
{
    if (fields->code == PROBLEM_NONE)
        fields->code = code;
    if (fields->count < PROBLEM_ERRORS_MAX)
        fields->errors[fields->count++] = error;
}

void fields_refuse(struct field_errors *fields, const char *pointer, const char *code,
                   const char *detail)
{
    add(fields, PROBLEM_VALIDATION_FAILED,
        (struct problem_error){text_of(pointer), code, text_of(detail)});
}

void fields_refuse_as(struct field_errors *fields, enum problem_code problem, const char *pointer,
                      const char *detail)
{
    add(fields, problem,
        (struct problem_error){text_of(pointer), problem_name(problem), text_of(detail)});
}

/* A name inside a pointer: its tildes and slashes are escaped. */
static struct text pointer_to(struct arena *arena, struct text name)
{
    struct text_builder pointer;
    text_builder_init(&pointer, arena, 2 * NAME_SIZE_MAX + 1);
    text_builder_add_c(&pointer, "/");
    for (size_t at = 0; at < name.size; at++) {
        if (name.data[at] == '~')
            text_builder_add_c(&pointer, "~0");
        else if (name.data[at] == '/')
            text_builder_add_c(&pointer, "~1");
        else
            text_builder_add(&pointer, &name.data[at], 1);
    }
    return text_builder_text(&pointer);
}

void fields_refuse_unknown(struct field_errors *fields, struct text name)
{
    const struct text shown = utf8_clip(name, NAME_SIZE_MAX);
    const struct text detail =
        text_format(fields->arena, "the field '%.*s' is unknown", TEXT_ARGS(shown));
    add(fields, PROBLEM_VALIDATION_FAILED,
        (struct problem_error){pointer_to(fields->arena, shown), "field_unknown", detail});
}

struct problem fields_problem(const struct field_errors *fields)
{
    ASSERT(fields->count > 0);
    const struct problem_error *first = &fields->errors[0];
    const struct text detail = text_format(fields->arena, "%.*s: %.*s", TEXT_ARGS(first->pointer),
                                           TEXT_ARGS(first->detail));
    return (struct problem){
        .code = fields->code,
        .detail = detail,
        .errors = fields->errors,
        .error_count = fields->count,
    };
}
