#include "gateway/query.h"

#include "base/arena.h"
#include "gateway/path.h"

enum { LIMIT_MAX = 200 };

static bool is_known(struct text name, const char *const names[])
{
    for (size_t at = 0; names[at] != NULL; at++)
        if (text_equals_c(name, names[at]))
            return true;
    return false;
}

static bool refuse(struct visit *visit, struct text name, const char *why)
{
    const struct text detail =
        text_format(visit->request->arena, "the parameter '%.*s' %s", TEXT_ARGS(name), why);
    visit_refuse(visit, PROBLEM_PARAMETER_INVALID, detail.data);
    return false;
}

/* Each parameter is one that the route takes, and is there once. */
static bool check_names(struct visit *visit, const char *const names[])
{
    struct text rest = visit->request->query;
    while (rest.size > 0) {
        struct text value = text_cut(&rest, '&');
        const struct text name = text_cut(&value, '=');
        if (name.size > 0 && !is_known(name, names))
            return refuse(visit, name, "is unknown");
        struct text later = rest;
        while (later.size > 0) {
            struct text other = text_cut(&later, '&');
            if (text_equals(text_cut(&other, '='), name))
                return refuse(visit, name, "is there twice");
        }
    }
    return true;
}

static bool check_limit(struct visit *visit)
{
    const struct text limit = http_request_query(visit->request, "limit");
    int64_t count = 0;
    if (text_is_none(limit))
        return true;
    if (text_to_i64(limit, &count) && count >= 1 && count <= LIMIT_MAX)
        return true;
    visit_refuse(visit, PROBLEM_PARAMETER_INVALID, "limit must be a number from 1 to 200");
    return false;
}

const char *query_pass_on(struct visit *visit, const char *base, const char *path,
                          const char *const names[])
{
    struct arena *arena = visit->request->arena;
    if (!check_names(visit, names) || !check_limit(visit))
        return NULL;
    struct text_builder url;
    text_builder_init(&url, arena, 256);
    text_builder_add_c(&url, url_join(arena, base, path));
    char separator = strchr(path, '?') == NULL ? '?' : '&';
    for (size_t at = 0; names[at] != NULL; at++) {
        const struct text value = http_request_query(visit->request, names[at]);
        if (text_is_none(value))
            continue;
        const struct text encoded = path_encode(arena, value);
        text_builder_add_format(&url, "%c%s=%.*s", separator, names[at], TEXT_ARGS(encoded));
        separator = '&';
    }
    return text_to_c(arena, text_builder_text(&url));
}
