/* How values travel to PostgreSQL: binary, big end first, arrays in PostgreSQL's array format
 * (array_recv: dimensions, has-null flag, element type, length, lower bound, then size and bytes
 * of each element). */
#include "platform/postgres/postgres.h"

#include "base/arena.h"
#include "base/assert.h"

#include <endian.h>

/* PostgreSQL counts its microseconds from 2000-01-01. */
static const int64_t POSTGRES_EPOCH_US = 946684800LL * 1000000;
static const int64_t DAY_US = 86400LL * 1000000;

/* Element type, for the array's head, and size where it is fixed. */
static const struct {
    uint32_t oid;
    int size;
} TYPES[] = {
    [SQL_BOOL] = {16, 1},    [SQL_I16] = {21, 2},    [SQL_I32] = {23, 4},
    [SQL_I64] = {20, 8},     [SQL_TIME] = {1184, 8}, [SQL_DATE] = {1082, 4},
    [SQL_UUID] = {2950, 16}, [SQL_TEXT] = {25, 0},   [SQL_BYTES] = {17, 0},
};

void sql_args_init(struct sql_args *args, struct arena *arena)
{
    args->arena = arena;
    args->count = 0;
}

/* Room for the next parameter's bytes. */
static char *add(struct sql_args *args, size_t size)
{
    ASSERT(args->count < SQL_ARGS_MAX);
    char *bytes = arena_alloc(args->arena, size);
    args->values[args->count] = bytes;
    args->sizes[args->count] = (int)size;
    args->count++;
    return bytes;
}

void sql_add_null(struct sql_args *args)
{
    ASSERT(args->count < SQL_ARGS_MAX);
    args->values[args->count] = NULL;
    args->sizes[args->count] = 0;
    args->count++;
}

void sql_add_bool(struct sql_args *args, bool value)
{
    *add(args, 1) = value;
}

void sql_add_i16(struct sql_args *args, int value)
{
    ASSERT(value >= INT16_MIN && value <= INT16_MAX);
    const uint16_t wire = htobe16((uint16_t)value);
    memcpy(add(args, sizeof wire), &wire, sizeof wire);
}

void sql_add_i32(struct sql_args *args, int32_t value)
{
    const uint32_t wire = htobe32((uint32_t)value);
    memcpy(add(args, sizeof wire), &wire, sizeof wire);
}

void sql_add_i64(struct sql_args *args, int64_t value)
{
    const uint64_t wire = htobe64((uint64_t)value);
    memcpy(add(args, sizeof wire), &wire, sizeof wire);
}

void sql_add_time(struct sql_args *args, int64_t time_us)
{
    sql_add_i64(args, time_us - POSTGRES_EPOCH_US);
}

void sql_add_uuid(struct sql_args *args, const struct uuid *value)
{
    memcpy(add(args, sizeof value->bytes), value->bytes, sizeof value->bytes);
}

void sql_add_text(struct sql_args *args, struct text value)
{
    if (text_is_none(value))
        sql_add_null(args);
    else
        sql_add_bytes(args, value.data, value.size);
}

void sql_add_bytes(struct sql_args *args, const void *data, size_t size)
{
    char *bytes = add(args, size);
    if (size > 0)
        memcpy(bytes, data, size);
}

/* ---- arrays -------------------------------------------------------------------------------- */

enum { ARRAY_HEAD_SIZE = 20 };

void sql_array_init(struct sql_array *array, struct arena *arena, enum sql_type type,
                    size_t count_expected)
{
    const size_t element = TYPES[type].size > 0 ? (size_t)TYPES[type].size : 40;
    array->type = type;
    array->count = 0;
    array->has_null = false;
    text_builder_init(&array->bytes, arena, ARRAY_HEAD_SIZE + count_expected * (4 + element));
    static const char head[ARRAY_HEAD_SIZE];
    text_builder_add(&array->bytes, head, sizeof head);
}

static void add_element(struct sql_array *array, const void *data, size_t size)
{
    const uint32_t wire = htobe32((uint32_t)size);
    text_builder_add(&array->bytes, (const char *)&wire, sizeof wire);
    text_builder_add(&array->bytes, data, size);
    array->count++;
}

void sql_array_add_null(struct sql_array *array)
{
    const uint32_t wire = htobe32(UINT32_MAX);
    text_builder_add(&array->bytes, (const char *)&wire, sizeof wire);
    array->has_null = true;
    array->count++;
}

void sql_array_add_bool(struct sql_array *array, bool value)
{
    ASSERT(array->type == SQL_BOOL);
    const char wire = value;
    add_element(array, &wire, 1);
}

static void add_i32(struct sql_array *array, int64_t value)
{
    ASSERT(value >= INT32_MIN && value <= INT32_MAX);
    const uint32_t wire = htobe32((uint32_t)value);
    add_element(array, &wire, sizeof wire);
}

/* Days since PostgreSQL's first, rounded down. */
static int64_t day_of(int64_t time_us)
{
    const int64_t since_us = time_us - POSTGRES_EPOCH_US;
    return since_us / DAY_US - (since_us % DAY_US < 0);
}

void sql_array_add_i64(struct sql_array *array, int64_t value)
{
    if (array->type == SQL_I16) {
        ASSERT(value >= INT16_MIN && value <= INT16_MAX);
        const uint16_t wire = htobe16((uint16_t)value);
        add_element(array, &wire, sizeof wire);
    } else if (array->type == SQL_I32) {
        add_i32(array, value);
    } else if (array->type == SQL_DATE) {
        add_i32(array, day_of(value));
    } else {
        ASSERT(array->type == SQL_I64 || array->type == SQL_TIME);
        if (array->type == SQL_TIME)
            value -= POSTGRES_EPOCH_US;
        const uint64_t wire = htobe64((uint64_t)value);
        add_element(array, &wire, sizeof wire);
    }
}

void sql_array_add_uuid(struct sql_array *array, const struct uuid *value)
{
    ASSERT(array->type == SQL_UUID);
    add_element(array, value->bytes, sizeof value->bytes);
}

void sql_array_add_text(struct sql_array *array, struct text value)
{
    ASSERT(array->type == SQL_TEXT);
    if (text_is_none(value))
        sql_array_add_null(array);
    else
        add_element(array, value.data, value.size);
}

void sql_array_add_bytes(struct sql_array *array, const void *data, size_t size)
{
    ASSERT(array->type == SQL_BYTES);
    add_element(array, data, size);
}

void sql_add_array(struct sql_args *args, struct sql_array *array)
{
    const uint32_t head[5] = {htobe32(1), htobe32(array->has_null), htobe32(TYPES[array->type].oid),
                              htobe32((uint32_t)array->count), htobe32(1)};
    _Static_assert(sizeof head == ARRAY_HEAD_SIZE, "the head of a one-dimensional array");
    ASSERT(args->count < SQL_ARGS_MAX);
    memcpy(array->bytes.data, head, sizeof head);
    args->values[args->count] = array->bytes.data;
    args->sizes[args->count] = (int)array->bytes.size;
    args->count++;
}
