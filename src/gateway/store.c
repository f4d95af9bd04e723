#include "gateway/store.h"

#include "base/arena.h"
#include "gateway/gateway_sql.h"
#include "platform/postgres/postgres.h"

enum status store_read_api_keys(struct db *db, struct arena *arena, struct api_key_list *list_out,
                                struct error *err)
{
    struct sql_args none;
    sql_args_init(&none, arena);
    TRY(db_run_one(db, SQL_READ_API_KEYS, &none, err));
    const struct sql_rows rows = db_rows(db, 0);
    const size_t count = (size_t)rows.count;
    struct api_key *keys = ARENA_NEW_ARRAY(arena, struct api_key, count);
    for (int row = 0; row < rows.count; row++) {
        const struct uuid id = sql_uuid(rows, row, READ_API_KEYS_ID);
        keys[row].hash = sql_sha256(rows, row, READ_API_KEYS_HASH);
        keys[row].principal.scopes = scope_parse_list(sql_text(rows, row, READ_API_KEYS_SCOPES));
        uuid_format(&id, keys[row].principal.name);
        keys[row].principal.key_hash = keys[row].hash;
        keys[row].bucket = token_bucket_make(sql_i32(rows, row, READ_API_KEYS_RATE_PER_S),
                                             sql_i32(rows, row, READ_API_KEYS_BURST));
    }
    *list_out = (struct api_key_list){keys, count};
    return OK;
}
