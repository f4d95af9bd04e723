#include "outbox/notify_filter.h"

#include <ctype.h>

const char *const NOTIFY_AGGREGATES[] = {"authorization", "account", "ledger", "saga", NULL};

static bool is_pattern(struct text item)
{
    for (size_t at = 0; at < item.size; at++) {
        const char c = item.data[at];
        const bool is_star = c == '*' && at + 1 == item.size;
        if (!is_star && !islower((unsigned char)c) && c != '.' && c != '_')
            return false;
    }
    return item.size > 0;
}

static bool begins_alike(struct text a, struct text b)
{
    const size_t size = a.size < b.size ? a.size : b.size;
    return memcmp(a.data, b.data, size) == 0;
}

/* Without its star. */
static struct text stem_of(struct text pattern)
{
    const bool has_star = pattern.data[pattern.size - 1] == '*';
    return (struct text){pattern.data, pattern.size - has_star};
}

static bool pattern_reads(struct text pattern, const char *aggregate)
{
    const struct text name = text_of(aggregate), stem = stem_of(pattern);
    if (stem.size <= name.size)
        return stem.size < pattern.size && begins_alike(stem, name);
    return begins_alike(stem, name) && stem.data[name.size] == '.';
}

static bool pattern_reads_any(struct text pattern)
{
    for (size_t at = 0; NOTIFY_AGGREGATES[at] != NULL; at++)
        if (pattern_reads(pattern, NOTIFY_AGGREGATES[at]))
            return true;
    return false;
}

enum status notify_filter_parse(const char *types, struct notify_filter *filter_out,
                                struct error *err)
{
    struct notify_filter filter = {.count = 0};
    struct text rest = text_of(types);
    while (!text_is_none(rest)) {
        const struct text item = text_trim(text_cut(&rest, ','));
        if (!is_pattern(item) || !pattern_reads_any(item))
            return error_set(err, ERR_INVALID,
                             "notify-types: '%.*s' is no event, such as authorization.approved, "
                             "nor the beginning of one, such as authorization.*",
                             TEXT_ARGS(item));
        if (filter.count == NOTIFY_PATTERNS_MAX)
            return error_set(err, ERR_INVALID, "notify-types has more than %d items",
                             NOTIFY_PATTERNS_MAX);
        filter.patterns[filter.count++] = item;
    }
    *filter_out = filter;
    return OK;
}

bool notify_filter_matches(const struct notify_filter *filter, struct text event)
{
    for (size_t at = 0; at < filter->count; at++) {
        const struct text pattern = filter->patterns[at], stem = stem_of(pattern);
        if (stem.size == pattern.size && text_equals(pattern, event))
            return true;
        if (stem.size < pattern.size && stem.size <= event.size && begins_alike(stem, event))
            return true;
    }
    return false;
}

bool notify_filter_reads(const struct notify_filter *filter, const char *aggregate)
{
    for (size_t at = 0; at < filter->count; at++)
        if (pattern_reads(filter->patterns[at], aggregate))
            return true;
    return false;
}
