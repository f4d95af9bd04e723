#include "base/problem.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/json.h"

/* `true` and `false` are macros themselves: 1 and 0 by the time they get here. */
#define AGAIN_1 "yes"
#define AGAIN_0 "no"

#define PAGE(status, retryable, code, title, meaning, next)                                        \
    code " (HTTP status " #status ")\n" title ".\n\n" meaning "\n\nWhat to do: " next              \
         "\n\nThe same request again may succeed later: " AGAIN_##retryable ".\n"

#define ROW(name, status, retryable, code, title, meaning, next)                                   \
    [PROBLEM_##name] = {status, retryable, code, title,                                            \
                        PAGE(status, retryable, code, title, meaning, next)},

static const struct row {
    int status;
    bool is_retryable;
    const char *name;
    const char *title;
    const char *page;
} ROWS[] = {PROBLEM_CATALOGUE(ROW)};

_Static_assert(COUNT(ROWS) == PROBLEM_COUNT + 1, "every code has a row, PROBLEM_NONE an empty one");

static const struct row *row_of(enum problem_code code)
{
    ASSERT(code > PROBLEM_NONE);
    ASSERT((size_t)code < COUNT(ROWS));
    return &ROWS[code];
}

int problem_status(enum problem_code code)
{
    return row_of(code)->status;
}

const char *problem_name(enum problem_code code)
{
    return row_of(code)->name;
}

const char *problem_title(enum problem_code code)
{
    return row_of(code)->title;
}

bool problem_is_retryable(enum problem_code code)
{
    return row_of(code)->is_retryable;
}

struct text problem_page(enum problem_code code)
{
    return text_of(row_of(code)->page);
}

enum problem_code problem_find(struct text name)
{
    for (size_t at = 1; at < COUNT(ROWS); at++) {
        if (text_equals_c(name, ROWS[at].name))
            return (enum problem_code)at;
    }
    return PROBLEM_NONE;
}

static void write_errors(struct json_writer *w, const struct problem *problem)
{
    ASSERT(problem->error_count <= PROBLEM_ERRORS_MAX);
    json_begin_array(w, "errors");
    for (size_t at = 0; at < problem->error_count; at++) {
        const struct problem_error *const error = &problem->errors[at];
        json_begin_object(w, NULL);
        json_write_text(w, "pointer", error->pointer);
        json_write_text(w, "code", text_of(error->code));
        json_write_text(w, "detail", error->detail);
        json_end_object(w);
    }
    json_end_array(w);
}

static void write_members(struct json_writer *w, struct arena *arena, const struct problem *problem)
{
    const struct row *const row = row_of(problem->code);
    const struct text id = uuid_to_text(arena, &problem->request_id);
    json_write_text(w, "type", text_format(arena, "/problems/%s", row->name));
    json_write_text(w, "title", text_of(row->title));
    json_write_i64(w, "status", row->status);
    if (!text_is_none(problem->detail))
        json_write_text(w, "detail", problem->detail);
    json_write_text(w, "instance", text_format(arena, "urn:uuid:%.*s", TEXT_ARGS(id)));
    json_write_text(w, "code", text_of(row->name));
    if (!text_is_none(problem->trace_id))
        json_write_text(w, "trace_id", problem->trace_id);
    json_write_bool(w, "retryable", row->is_retryable);
    if (problem->retry_after_ms > 0)
        json_write_i64(w, "retry_after_ms", problem->retry_after_ms);
    if (problem->error_count > 0)
        write_errors(w, problem);
    if (!text_is_none(problem->state))
        json_write_text(w, "state", problem->state);
}

struct text problem_write(struct arena *arena, const struct problem *problem)
{
    struct text_builder out;
    struct json_writer w;
    text_builder_init(&out, arena, 512);
    json_writer_init(&w, &out);
    json_begin_object(&w, NULL);
    write_members(&w, arena, problem);
    json_end_object(&w);
    return text_builder_text(&out);
}
