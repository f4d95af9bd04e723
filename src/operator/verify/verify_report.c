#include "operator/verify/verify_report.h"

#include "base/json.h"
#include "operator/table.h"

#include <stdio.h>
#include <unistd.h>

enum { BAR_WIDTH = 26 };

static struct text count_text(struct arena *arena, int count)
{
    if (count > VERIFY_ROWS_COUNTED)
        return text_format(arena, "more than %d", VERIFY_ROWS_COUNTED);
    return text_format(arena, "%d", count);
}

/* ---- for people ---------------------------------------------------------------------------- */

static void print_findings(const struct verify_report *report)
{
    static const char *const COLUMNS[] = {"invariant", "result", "violations", NULL};
    struct table table;
    table_init(&table, report->arena, COLUMNS);
    for (size_t at = 0; at < report->count; at++) {
        const struct verify_finding *finding = &report->findings[at];
        struct text *cells = table_add(&table);
        cells[0] = text_of(finding->name);
        cells[1] = finding->violations == 0 ? TEXT("ok") : TEXT("VIOLATED");
        cells[2] = count_text(report->arena, finding->violations);
    }
    table_print(&table, "table");
}

static void print_rows(const struct verify_finding *finding)
{
    if (finding->violations == 0)
        return;
    printf("\n%s: %s\n", finding->name, finding->promise);
    for (int at = 0; at < finding->shown; at++)
        printf("  %.*s %.*s: %.*s\n", TEXT_ARGS(finding->rows[at].what),
               TEXT_ARGS(finding->rows[at].id), TEXT_ARGS(finding->rows[at].detail));
    if (finding->violations > finding->shown)
        printf("  ...\n");
}

static void print_for_people(const struct verify_report *report)
{
    print_findings(report);
    for (size_t at = 0; at < report->count; at++)
        print_rows(&report->findings[at]);
    printf("\nsagas on their way: %lld, of them stuck: %lld\n", (long long)report->open_sagas,
           (long long)report->stuck_sagas);
    printf("messages parked: %lld, dead letters open: %lld\n", (long long)report->parked_messages,
           (long long)report->dead_letters);
    printf("given up by operators: sagas abandoned: %lld, dead letters discarded: %lld\n",
           (long long)report->abandoned_sagas, (long long)report->discarded);
}

/* ---- for programs -------------------------------------------------------------------------- */

static void write_finding(struct json_writer *w, const struct verify_finding *finding)
{
    json_begin_object(w, NULL);
    json_write_text(w, "name", text_of(finding->name));
    json_write_text(w, "promise", text_of(finding->promise));
    json_write_bool(w, "holds", finding->violations == 0);
    json_write_i64(w, "violations", finding->violations);
    json_begin_array(w, "rows");
    for (int at = 0; at < finding->shown; at++) {
        json_begin_object(w, NULL);
        json_write_text(w, "what", finding->rows[at].what);
        json_write_text(w, "id", finding->rows[at].id);
        json_write_text(w, "detail", finding->rows[at].detail);
        json_end_object(w);
    }
    json_end_array(w);
    json_end_object(w);
}

static void print_json(const struct verify_report *report)
{
    struct text_builder out;
    struct json_writer w;
    text_builder_init(&out, report->arena, 4096);
    json_writer_init(&w, &out);
    json_begin_object(&w, NULL);
    json_begin_array(&w, "invariants");
    for (size_t at = 0; at < report->count; at++)
        write_finding(&w, &report->findings[at]);
    json_end_array(&w);
    json_write_i64(&w, "open_sagas", report->open_sagas);
    json_write_i64(&w, "stuck_sagas", report->stuck_sagas);
    json_write_i64(&w, "parked_messages", report->parked_messages);
    json_write_i64(&w, "dead_letters", report->dead_letters);
    json_write_i64(&w, "abandoned_sagas", report->abandoned_sagas);
    json_write_i64(&w, "discarded_letters", report->discarded);
    json_end_object(&w);
    printf("%.*s\n", TEXT_ARGS(text_builder_text(&out)));
}

void verify_report_print(const struct verify_report *report, const char *format)
{
    if (strcmp(format, "json") == 0)
        print_json(report);
    else
        print_for_people(report);
}

void verify_progress(size_t done, size_t total, const char *name)
{
    static const char FULL[] = "##########################";
    static const char EMPTY[] = "..........................";
    _Static_assert(sizeof FULL == BAR_WIDTH + 1 && sizeof EMPTY == sizeof FULL, "a bar's width");
    if (!isatty(STDERR_FILENO))
        return;
    const int full = (int)(done * BAR_WIDTH / total);
    fprintf(stderr, "\r\033[K");
    if (done < total)
        fprintf(stderr, "[%.*s%.*s] %zu/%zu %s", full, FULL, BAR_WIDTH - full, EMPTY, done, total,
                name);
    fflush(stderr);
}
