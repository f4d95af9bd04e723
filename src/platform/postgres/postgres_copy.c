/* Rows by COPY. It is prepared like any other statement; the server asks for the rows, takes them
 * all, and then says whether it has them. A row that it refuses ends the statement as an error
 * does: what is still on its way is thrown away by the server. */
#include "platform/postgres/postgres_connection.h"

/* libpq keeps what the socket does not take at once, and connection_wait sends it. */
static bool put_rows(struct db *db, const struct trip_step *step)
{
    return PQputCopyData(db->connection, step->args.values[0], step->args.sizes[0]) == 1 &&
           PQputCopyEnd(db->connection, NULL) == 1;
}

enum status connection_copy(struct db *db, const struct trip_step *step, int64_t deadline_us,
                            enum status *lost_out, struct error *err)
{
    enum status status = OK;
    *lost_out = ERR_DOWN;
    if (!PQsendQueryPrepared(db->connection, step->statement->name, 0, NULL, NULL, NULL, 1))
        return OK;
    for (;;) {
        *lost_out = connection_wait(db, deadline_us);
        if (*lost_out != OK)
            return status;
        PGresult *result = PQgetResult(db->connection);
        if (result == NULL) {
            if (PQstatus(db->connection) == CONNECTION_BAD)
                *lost_out = ERR_DOWN;
            return status;
        }
        const ExecStatusType kind = PQresultStatus(result);
        if (kind == PGRES_COMMAND_OK) {
            db->results[db->result_count++] = result;
            continue;
        }
        if (kind != PGRES_COPY_IN && status == OK)
            status = connection_fail_statement(db, result, step->statement->name, err);
        PQclear(result);
        if (kind == PGRES_COPY_IN && !put_rows(db, step)) {
            *lost_out = ERR_DOWN;
            return status;
        }
    }
}
