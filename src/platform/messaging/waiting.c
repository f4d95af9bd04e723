#include "platform/messaging/waiting.h"

#include "messaging_sql.h"
#include "platform/clock.h"
#include "platform/messaging/metrics.h"

static const int64_t COUNT_EVERY_US = 2 * 1000 * 1000;

enum status waiting_count(const struct delivery_door *door, int64_t *due_us, struct error *err)
{
    static const int COLUMNS[] = {
        [DEAD_SCHEMA] = COUNT_WAITING_SCHEMA,
        [DEAD_BUSINESS] = COUNT_WAITING_BUSINESS,
        [DEAD_TRANSIENT_EXHAUSTED] = COUNT_WAITING_TRANSIENT_EXHAUSTED,
        [DEAD_BUG] = COUNT_WAITING_BUG,
    };
    const int64_t now_us = clock_monotonic_us();
    struct sql_args args;
    if (now_us < *due_us)
        return OK;
    sql_args_init(&args, door->arena);
    sql_add_text(&args, text_of(door->config->group));
    TRY(db_run_one(door->db, SQL_COUNT_WAITING, &args, err));
    const struct sql_rows rows = db_rows(door->db, 0);
    metric_set(&METRIC_PARKED_KEYS, 0, sql_i64(rows, 0, COUNT_WAITING_PARKED_KEYS));
    for (size_t class = 0; class < DEAD_CLASS_COUNT; class ++)
        metric_set(&METRIC_DLQ_MESSAGES, class, sql_i64(rows, 0, COLUMNS[class]));
    metric_set(&METRIC_DLQ_OLDEST_AGE, 0, sql_i64(rows, 0, COUNT_WAITING_OLDEST_AGE_US));
    *due_us = now_us + COUNT_EVERY_US;
    return OK;
}
