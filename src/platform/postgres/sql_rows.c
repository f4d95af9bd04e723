/* How values come back from PostgreSQL: binary. A value of another type or size than the reader
 * expects means that statement and code disagree: a bug. */
#include "platform/postgres/postgres.h"

#include "base/assert.h"

#include <endian.h>
#include <libpq-fe.h>

static const int64_t POSTGRES_EPOCH_US = 946684800LL * 1000000;

/* The bytes of a value that is not NULL and has this size. */
static const char *value_of(struct sql_rows rows, int row, int column, int size)
{
    ASSERT(row >= 0 && row < rows.count);
    ASSERT(!PQgetisnull(rows.result, row, column));
    ASSERT(PQgetlength(rows.result, row, column) == size);
    return PQgetvalue(rows.result, row, column);
}

bool sql_is_null(struct sql_rows rows, int row, int column)
{
    ASSERT(row >= 0 && row < rows.count);
    return PQgetisnull(rows.result, row, column) != 0;
}

bool sql_bool(struct sql_rows rows, int row, int column)
{
    return *value_of(rows, row, column, 1) != 0;
}

int sql_i16(struct sql_rows rows, int row, int column)
{
    uint16_t wire;
    memcpy(&wire, value_of(rows, row, column, sizeof wire), sizeof wire);
    return (int16_t)be16toh(wire);
}

int32_t sql_i32(struct sql_rows rows, int row, int column)
{
    uint32_t wire;
    memcpy(&wire, value_of(rows, row, column, sizeof wire), sizeof wire);
    return (int32_t)be32toh(wire);
}

int64_t sql_i64(struct sql_rows rows, int row, int column)
{
    uint64_t wire;
    memcpy(&wire, value_of(rows, row, column, sizeof wire), sizeof wire);
    return (int64_t)be64toh(wire);
}

int64_t sql_time(struct sql_rows rows, int row, int column)
{
    return sql_i64(rows, row, column) + POSTGRES_EPOCH_US;
}

struct uuid sql_uuid(struct sql_rows rows, int row, int column)
{
    struct uuid id;
    memcpy(id.bytes, value_of(rows, row, column, sizeof id.bytes), sizeof id.bytes);
    return id;
}

struct sha256 sql_sha256(struct sql_rows rows, int row, int column)
{
    struct sha256 digest;
    memcpy(digest.bytes, value_of(rows, row, column, sizeof digest.bytes), sizeof digest.bytes);
    return digest;
}

struct text sql_text(struct sql_rows rows, int row, int column)
{
    ASSERT(row >= 0 && row < rows.count);
    if (PQgetisnull(rows.result, row, column))
        return TEXT_NONE;
    return (struct text){PQgetvalue(rows.result, row, column),
                         (size_t)PQgetlength(rows.result, row, column)};
}
