/* A round trip in the eyes of a trace: one span, for whomever it was made. */
#include "base/assert.h"
#include "platform/postgres/postgres_connection.h"
#include "platform/tracing/tracing.h"

#include <stdio.h>

enum { NAMESPACE_SIZE = 128 };

static const char *statement_name(const struct trip_step *step)
{
    const char *point = strchr(step->statement->name, '.');
    return point == NULL ? step->statement->name : point + 1;
}

/* What a trip is for shows in how it begins and ends: what is loaded under locks, what is saved. */
static const char *name_of(const struct db *db)
{
    const struct trip_step *last = &db->steps[db->step_count - 1];
    if (last->kind == TRIP_COMMIT)
        return "save";
    if (db->steps[0].kind == TRIP_BEGIN)
        return "load";
    return db->step_count == 1 ? statement_name(last) : "read";
}

/* The statements' names, as far as there is room. */
static struct text summarize(const struct db *db, char out[static SPAN_TEXT_SIZE_MAX])
{
    size_t size = 0;
    for (int at = 0; at < db->step_count; at++) {
        if (db->steps[at].kind != TRIP_STATEMENT && db->steps[at].kind != TRIP_COPY)
            continue;
        const char *name = statement_name(&db->steps[at]);
        const int wanted =
            snprintf(out + size, SPAN_TEXT_SIZE_MAX - size, "%s%s", size > 0 ? ", " : "", name);
        if (wanted < 0 || (size_t)wanted >= SPAN_TEXT_SIZE_MAX - size)
            break;
        size += (size_t)wanted;
    }
    return size == 0 ? TEXT_NONE : (struct text){out, size};
}

static const char *error_of(const struct db *db, enum status status)
{
    if (status == OK)
        return NULL;
    return db->sqlstate[0] == '\0' ? status_name(status) : db->sqlstate;
}

void connection_record_span(const struct db *db, int64_t begun_us, enum status status)
{
    const struct span_group *const cause = db->cause;
    if (cause == NULL || cause->count == 0 || db->step_count == 0)
        return;
    char namespace[NAMESPACE_SIZE];
    char summary[SPAN_TEXT_SIZE_MAX];
    const char *const schema = db->config.schema == NULL ? "public" : db->config.schema;
    const char *const database = db->connection == NULL ? NULL : PQdb(db->connection);
    snprintf(namespace, sizeof namespace, "%s|%s", database == NULL ? "" : database, schema);
    struct span span = {
        .type = SPAN_SQL,
        .context = span_group_context(cause),
        .word = name_of(db),
        .subject = text_of(schema),
        .begun_us = begun_us,
        .error = error_of(db, status),
        .attributes = SPAN_ATTRIBUTE_LIST(
            span_str(ATTRIBUTE_DB_SYSTEM_NAME, "postgresql"),
            span_str(ATTRIBUTE_DB_NAMESPACE, namespace),
            span_str(ATTRIBUTE_DB_OPERATION_NAME, name_of(db)),
            db->step_count > 1 ? span_i64(ATTRIBUTE_DB_OPERATION_BATCH_SIZE, db->step_count)
                               : span_str(ATTRIBUTE_DB_OPERATION_BATCH_SIZE, NULL),
            span_text(ATTRIBUTE_DB_QUERY_SUMMARY, summarize(db, summary)),
            span_str(ATTRIBUTE_DB_RESPONSE_STATUS_CODE,
                     db->sqlstate[0] == '\0' ? NULL : db->sqlstate),
            span_i64(ATTRIBUTE_BATCH_SIZE, (int64_t)cause->count)),
    };
    span_group_apply(cause, &span);
    tracing_record(&span);
}
