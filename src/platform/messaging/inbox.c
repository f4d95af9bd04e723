#include "platform/messaging/inbox.h"

#include "base/arena.h"
#include "base/assert.h"
#include "messaging_sql.h"
#include "platform/messaging/consumer.h"
#include "platform/postgres/sql_columns.h"

#include <stdlib.h>

/* By event id; twins in the order they came. */
static int compare_deliveries(const void *a, const void *b)
{
    const struct delivery *const *const left = *(const struct delivery *const *const *)a;
    const struct delivery *const *const right = *(const struct delivery *const *const *)b;
    const int order = uuid_compare(&(*left)->message.id, &(*right)->message.id);
    return order != 0 ? order : (left > right) - (left < right);
}

/* Places of those that are to be claimed, sorted. */
static size_t sort_claims(struct delivery *const *deliveries, size_t count,
                          struct delivery *const **sorted)
{
    size_t claims = 0;
    for (size_t at = 0; at < count; at++)
        if (deliveries[at]->outcome == DELIVERY_APPLIED)
            sorted[claims++] = &deliveries[at];
    qsort(sorted, claims, sizeof *sorted, compare_deliveries);
    return claims;
}

void inbox_send_claims(struct db *db, struct arena *arena, const char *group,
                       struct delivery *const *deliveries, size_t count)
{
    struct delivery *const **sorted = arena_alloc(arena, count * sizeof *sorted);
    const size_t claims = sort_claims(deliveries, count, sorted);
    struct sql_columns rows;
    SQL_COLUMNS_INIT(&rows, arena, claims, SQL_UUID, SQL_TEXT);
    const struct uuid *last = NULL;
    for (size_t at = 0; at < claims; at++) {
        struct delivery *delivery = *sorted[at];
        if (last != NULL && uuid_equals(last, &delivery->message.id)) {
            delivery->outcome = DELIVERY_DUPLICATE; /* of its twin, which came before it */
            continue;
        }
        last = &delivery->message.id;
        delivery->is_claimed = true;
        sql_columns_add_uuid(&rows, last);
        sql_columns_add_text(&rows, delivery->message.traceparent);
    }
    struct sql_args args;
    sql_args_init(&args, arena);
    sql_add_text(&args, text_of(group));
    sql_add_columns(&args, &rows);
    db_send(db, SQL_CLAIM_INBOX, &args);
}

/* The rows ascend. */
static bool has_row(struct sql_rows rows, const struct uuid *id)
{
    int low = 0, high = rows.count;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        const struct uuid found = sql_uuid(rows, middle, CLAIM_INBOX_EVENT_ID);
        const int order = uuid_compare(&found, id);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

void inbox_read_claims(struct sql_rows rows, struct delivery *const *deliveries, size_t count)
{
    int claimed = 0;
    for (size_t at = 0; at < count; at++) {
        struct delivery *delivery = deliveries[at];
        if (delivery->outcome != DELIVERY_APPLIED)
            continue;
        if (has_row(rows, &delivery->message.id))
            claimed++;
        else
            delivery->outcome = DELIVERY_DUPLICATE;
    }
    ASSERT(claimed == rows.count); /* each row is one delivery's */
}
