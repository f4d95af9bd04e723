/* What the self-check asks: two questions, each with a snapshot of its own. */
#include "authorization/store.h"

#include "authorization_sql.h"
#include "base/assert.h"

static void read_holds(struct sql_rows rows, struct store_lane *lane_out)
{
    for (int row = 0; row < rows.count; row++) {
        const struct currency *currency =
            currency_find(sql_text(rows, row, COUNT_OPEN_HOLDS_CURRENCY));
        if (currency == NULL) /* for verify to find: money_in_bounds */
            continue;
        lane_out->holds += sql_i64(rows, row, COUNT_OPEN_HOLDS_HOLDS);
        lane_out->amounts_minor[currency_index(currency)] =
            sql_i64(rows, row, COUNT_OPEN_HOLDS_AMOUNT_MINOR);
    }
}

enum status store_check_lane(const struct store_reader *reader, int lane,
                             struct store_lane *lane_out, struct error *err)
{
    struct sql_args args;
    sql_args_init(&args, reader->arena);
    sql_add_i16(&args, lane);
    db_send(reader->db, SQL_CHECK_LANE, &args);
    db_send(reader->db, SQL_COUNT_OPEN_HOLDS, &args);
    TRY(db_run(reader->db, err));
    *lane_out = (struct store_lane){
        .held_matches = sql_i64(db_rows(reader->db, 0), 0, CHECK_LANE_HELD_MATCHES)};
    read_holds(db_rows(reader->db, 1), lane_out);
    return OK;
}
