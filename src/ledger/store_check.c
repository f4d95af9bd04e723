/* What the self-check asks. */
#include "ledger/store.h"

#include "base/assert.h"
#include "ledger/metrics.h"
#include "ledger_sql.h"

/* At a lane a second every lane has its turn each 64 seconds, and so each journal is looked at
 * where a thousand are written in a second. */
enum { JOURNALS_OF_LANE = 1000 };

enum status ledger_store_check_lane(struct db *db, struct arena *arena, int lane,
                                    int64_t *violations_out, struct error *err)
{
    static const int COLUMNS[] = {
        [CHECK_JOURNALS_BALANCE] = CHECK_LANE_JOURNALS_BALANCE,
        [CHECK_TRIAL_BALANCE] = CHECK_LANE_TRIAL_BALANCE,
        [CHECK_BALANCES_MATCH_ENTRIES] = CHECK_LANE_BALANCES_MATCH_ENTRIES,
        [CHECK_CHAIN_UNBROKEN] = CHECK_LANE_CHAIN_UNBROKEN,
    };
    _Static_assert(COUNT(COLUMNS) == LEDGER_CHECK_COUNT, "a column for each check");
    struct sql_args args;
    sql_args_init(&args, arena);
    sql_add_i16(&args, lane);
    sql_add_i64(&args, JOURNALS_OF_LANE);
    TRY(db_run_one(db, SQL_CHECK_LANE, &args, err));
    for (size_t check = 0; check < LEDGER_CHECK_COUNT; check++)
        violations_out[check] = sql_i64(db_rows(db, 0), 0, COLUMNS[check]);
    return OK;
}
