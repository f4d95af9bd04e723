/* How a story is told: lines, words for amounts and times. What it is about is read by the files
 * story_*.c. */
#include "operator/story/story.h"

#include "base/arena.h"
#include "base/assert.h"

#include <stdio.h>

enum { SAID_SIZE_MAX = 2048, FACTS_SIZE_FIRST = 256 };

static struct story_line *add(struct story_lines *lines, int64_t at_us, const char *service,
                              const char *event)
{
    /* Beyond the last place its last line is overwritten: whoever has so many is told the rest by
     * dlq ls and saga show. */
    if (lines->count < STORY_LINES_MAX)
        lines->count++;
    struct story_line *line = &lines->items[lines->count - 1];
    *line = (struct story_line){
        .at_us = at_us, .place = lines->count, .service = service, .event = event};
    return line;
}

struct story_line *story_add(struct story *story, int64_t at_us, const char *service,
                             const char *event)
{
    return add(&story->past, at_us, service, event);
}

struct story_line *story_add_wait(struct story *story, int64_t since_us, const char *service,
                                  const char *event)
{
    return add(&story->waits, since_us, service, event);
}

void story_say(struct story *story, struct story_line *line, const char *format, ...)
{
    char said[SAID_SIZE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(said, sizeof said, format, args);
    va_end(args);
    line->says = text_copy(story->arena, text_of(said));
}

void story_begin_facts(struct story *story, struct json_writer *w, struct text_builder *out)
{
    text_builder_init(out, story->arena, FACTS_SIZE_FIRST);
    json_writer_init(w, out);
    json_begin_object(w, NULL);
}

void story_end_facts(struct story_line *line, struct json_writer *w)
{
    json_end_object(w);
    line->facts = text_builder_text(w->out);
}

struct text story_money(const struct story *story, int64_t minor)
{
    char text[MONEY_TEXT_SIZE + 1];
    const struct currency *currency = story->head.currency;
    return text_format(story->arena, "%.*s %s",
                       TEXT_ARGS(money_format(minor, currency->exponent, text)), currency->code);
}

struct text story_uuid(const struct story *story, const struct uuid *id)
{
    return uuid_to_text(story->arena, id);
}

/* The two largest units; below a minute, decimals. */
struct text story_duration(struct arena *arena, int64_t duration_us)
{
    static const struct {
        const char *name, *smaller;
        int64_t seconds, smaller_seconds;
    } UNITS[] = {{"d", "h", 86400, 3600}, {"h", "min", 3600, 60}, {"min", "s", 60, 1}};
    const long long us = duration_us < 0 ? -duration_us : duration_us;
    const char *const sign = duration_us < 0 ? "-" : "";
    const long long seconds = us / 1000000;
    for (size_t at = 0; at < COUNT(UNITS); at++)
        if (seconds >= UNITS[at].seconds)
            return text_format(
                arena, "%s%lld %s %lld %s", sign, seconds / UNITS[at].seconds, UNITS[at].name,
                seconds % UNITS[at].seconds / UNITS[at].smaller_seconds, UNITS[at].smaller);
    if (us >= 1000000)
        return text_format(arena, "%s%lld.%03lld s", sign, seconds, us / 1000 % 1000);
    if (us >= 1000)
        return text_format(arena, "%s%lld.%lld ms", sign, us / 1000, us / 100 % 10);
    return text_format(arena, "%s%lld us", sign, us);
}
