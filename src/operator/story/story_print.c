/* A story on a terminal, or as JSON for programs. */
#include "operator/story/story.h"

#include "base/arena.h"
#include "base/timestamp.h"
#include "domain/money_json.h"
#include "operator/table.h"

#include <stdio.h>
#include <stdlib.h>

enum { JSON_SIZE_FIRST = 16 * 1024, DATE_SIZE = 11, TIME_SIZE = 15 };

static int compare_lines(const void *a, const void *b)
{
    const struct story_line *left = a, *right = b;
    if (left->at_us != right->at_us)
        return left->at_us < right->at_us ? -1 : 1;
    return (left->place > right->place) - (left->place < right->place);
}

/* In one sentence. */
static struct text where_it_stands(const struct story *story)
{
    const struct story_head *head = &story->head;
    if (story->waits.count > 0)
        return text_format(story->arena, "%.*s, not at its end: %zu step%s not taken yet",
                           TEXT_ARGS(head->status), story->waits.count,
                           story->waits.count == 1 ? "" : "s");
    if (!head->is_approved)
        return TEXT("declined; there is nothing to book");
    if (head->remaining_minor > 0)
        return text_format(
            story->arena, "approved and booked; holds %.*s, expires in %.*s",
            TEXT_ARGS(story_money(story, head->remaining_minor)),
            TEXT_ARGS(story_duration(story->arena, head->expires_us - head->now_us)));
    return text_format(story->arena, "%.*s; nothing is held any more", TEXT_ARGS(head->status));
}

/* ---- for people ------------------------------------------------------------------------------ */

static struct text time_of_day(struct arena *arena, int64_t at_us)
{
    char text[TIMESTAMP_TEXT_SIZE + 1];
    timestamp_format(at_us, text);
    return text_copy(arena, (struct text){text + DATE_SIZE, TIME_SIZE});
}

static void print_head(const struct story *story)
{
    const struct story_head *head = &story->head;
    char asked[TIMESTAMP_TEXT_SIZE + 1];
    timestamp_format(head->asked_us, asked);
    printf("transaction    %.*s\n", TEXT_ARGS(head->transaction_id));
    printf("authorization  %.*s\n", TEXT_ARGS(story_uuid(story, &head->id)));
    printf("user           %.*s, account %.*s\n", TEXT_ARGS(head->user_id),
           TEXT_ARGS(story_uuid(story, &head->account_id)));
    printf("amount         %.*s\n", TEXT_ARGS(story_money(story, head->requested_minor)));
    printf("trace          %.*s\n", TEXT_ARGS(head->trace_id));
    printf("asked          %s\n", asked);
    printf("stands         %.*s\n\n", TEXT_ARGS(where_it_stands(story)));
}

static void add_row(const struct story *story, struct table *table, const struct story_line *line,
                    bool is_wait)
{
    struct arena *arena = story->arena;
    struct text more = line->more;
    struct text *cells = table_add(table);
    cells[0] = is_wait ? TEXT("not yet") : time_of_day(arena, line->at_us);
    cells[1] =
        is_wait ? TEXT("")
                : text_format(arena, "+%.*s",
                              TEXT_ARGS(story_duration(arena, line->at_us - story->head.asked_us)));
    cells[2] = text_of(line->service);
    cells[3] = line->says;
    while (!text_is_none(more)) {
        const struct text one = text_cut(&more, '\n');
        struct text *under = table_add(table);
        under[3] = text_format(arena, "  %.*s", TEXT_ARGS(one));
    }
}

static void print_for_people(const struct story *story)
{
    static const char *const COLUMNS[] = {"time (UTC)", "after", "service", "what", NULL};
    struct table table;
    print_head(story);
    table_init(&table, story->arena, COLUMNS);
    for (size_t at = 0; at < story->past.count; at++)
        add_row(story, &table, &story->past.items[at], false);
    for (size_t at = 0; at < story->waits.count; at++)
        add_row(story, &table, &story->waits.items[at], true);
    table_print(&table, "table");
}

/* ---- for programs ---------------------------------------------------------------------------- */

static void write_line(const struct story *story, struct json_writer *w,
                       const struct story_line *line, bool is_wait)
{
    json_begin_object(w, NULL);
    json_write_time(w, is_wait ? "since" : "at", line->at_us);
    if (is_wait)
        json_write_i64(w, "waits_us", story->head.now_us - line->at_us);
    else
        json_write_i64(w, "offset_us", line->at_us - story->head.asked_us);
    json_write_text(w, "service", text_of(line->service));
    json_write_text(w, "event", text_of(line->event));
    json_write_text(w, "says", line->says);
    if (!text_is_none(line->facts))
        json_write_raw(w, "facts", line->facts);
    json_end_object(w);
}

static void write_head(const struct story *story, struct json_writer *w)
{
    const struct story_head *head = &story->head;
    json_write_text(w, "found_by", text_of(head->found_by));
    json_write_text(w, "transaction_id", head->transaction_id);
    json_write_uuid(w, "authorization_id", &head->id);
    json_write_text(w, "user_id", head->user_id);
    json_write_uuid(w, "account_id", &head->account_id);
    json_write_text(w, "trace_id", head->trace_id);
    json_write_text(w, "status", head->status);
    json_write_i64(w, "version", head->version);
    json_write_text(w, "decision_code", head->decision_code);
    json_write_money(w, "requested", head->requested_minor, head->currency);
    json_write_money(w, "remaining", head->remaining_minor, head->currency);
    json_write_time(w, "asked_at", head->asked_us);
    json_write_time(w, "looked_at", head->now_us);
    json_write_text(w, "stands", where_it_stands(story));
}

static void print_json(const struct story *story)
{
    struct text_builder out;
    struct json_writer w;
    text_builder_init(&out, story->arena, JSON_SIZE_FIRST);
    json_writer_init(&w, &out);
    json_begin_object(&w, NULL);
    write_head(story, &w);
    json_begin_array(&w, "events");
    for (size_t at = 0; at < story->past.count; at++)
        write_line(story, &w, &story->past.items[at], false);
    json_end_array(&w);
    json_begin_array(&w, "waits");
    for (size_t at = 0; at < story->waits.count; at++)
        write_line(story, &w, &story->waits.items[at], true);
    json_end_array(&w);
    json_end_object(&w);
    printf("%.*s\n", TEXT_ARGS(text_builder_text(&out)));
}

void story_print(struct story *story, const char *format)
{
    qsort(story->past.items, story->past.count, sizeof *story->past.items, compare_lines);
    if (strcmp(format, "json") == 0)
        print_json(story);
    else
        print_for_people(story);
}
