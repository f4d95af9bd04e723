/* Values on their way to a real PostgreSQL and back. What echoes is not enough: the server's own
 * text of a value must be the one that was meant. */
#include "store.h"

#include "base/arena.h"
#include "platform/postgres/sql_columns.h"

static const struct sql_statement WRITE_NUMBERS = {
    "test.write_numbers", "SELECT $1::int2, $1::text, $2::int4, $2::text, $3::int8, $3::text", 3};
static const struct sql_statement WRITE_TIME = {
    "test.write_time", "SELECT $1::timestamptz, $1::text, $2::text::timestamptz", 2};
static const struct sql_statement WRITE_BYTES = {
    "test.write_bytes", "SELECT $1::text, octet_length($1), $2::bytea, encode($2, 'hex')", 2};
static const struct sql_statement WRITE_BOOL = {"test.write_bool", "SELECT $1::bool, $1::text", 1};
static const struct sql_statement WRITE_UUID = {"test.write_uuid", "SELECT $1::uuid, $1::text", 1};
static const struct sql_statement WRITE_ALL = {
    "test.write_all",
    "SELECT $1::bool, $2::int2, $3::int4, $4::int8, $5::timestamptz, $6::uuid, $7::text, $8::bytea",
    8};
static const struct sql_statement WRITE_ARRAYS = {
    "test.write_arrays",
    "SELECT * FROM unnest($1::bool[], $2::int2[], $3::int4[], $4::int8[], $5::timestamptz[],"
    " $6::uuid[], $7::text[], $8::bytea[])",
    8};
static const struct sql_statement COUNT_ARRAYS = {
    "test.count_arrays",
    "SELECT cardinality($1::bool[]), cardinality($2::int2[]), cardinality($3::int4[]),"
    " cardinality($4::int8[]), cardinality($5::timestamptz[]), cardinality($6::uuid[]),"
    " cardinality($7::text[]), cardinality($8::bytea[])",
    8};
static const struct sql_statement WRITE_COLUMNS = {
    "test.write_columns",
    "SELECT a::text, b::text, c FROM unnest($1::timestamptz[], $2::uuid[], $3::text[]) AS t(a, b, "
    "c)",
    3};

static const struct sql_statement *const STATEMENTS[] = {
    &WRITE_NUMBERS, &WRITE_TIME,   &WRITE_BYTES,  &WRITE_BOOL,    &WRITE_UUID,
    &WRITE_ALL,     &WRITE_ARRAYS, &COUNT_ARRAYS, &WRITE_COLUMNS, NULL};

static const enum sql_type TYPES[] = {SQL_BOOL, SQL_I16,  SQL_I32,  SQL_I64,
                                      SQL_TIME, SQL_UUID, SQL_TEXT, SQL_BYTES};

static struct arena *arena;
static struct db *db;
static struct sql_args args;

static int before_each(void **state)
{
    (void)state;
    struct db_config config = store_db("tallystick_owner", "public");
    config.statements[0] = STATEMENTS;
    db = db_new(&config);
    arena = arena_new(1024 * 1024);
    sql_args_init(&args, arena);
    return 0;
}

static int after_each(void **state)
{
    (void)state;
    db_free(db);
    arena_free(arena);
    return 0;
}

/* Runs the statement with what is in `args`, which are empty then. */
static struct sql_rows run(const struct sql_statement *statement)
{
    struct error err = {.message = ""};
    if (db_run_one(db, statement, &args, &err) != OK)
        fail_msg("running: %s", err.message);
    sql_args_init(&args, arena);
    return db_rows(db, 0);
}

static struct uuid id_of(const char *text)
{
    struct uuid id;
    assert_true(uuid_parse(text_of(text), &id));
    return id;
}

static void test_sql_numbers__bounds(void **state)
{
    (void)state;
    static const struct {
        int i16;
        int32_t i32;
        int64_t i64;
        const char *i16_text, *i32_text, *i64_text;
    } CASES[] = {
        {0, 0, 0, "0", "0", "0"},
        {-1, -1, -1, "-1", "-1", "-1"},
        {258, 16909060, 72623859790382856, "258", "16909060", "72623859790382856"},
        {INT16_MIN, INT32_MIN, INT64_MIN, "-32768", "-2147483648", "-9223372036854775808"},
        {INT16_MAX, INT32_MAX, INT64_MAX, "32767", "2147483647", "9223372036854775807"},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        const char *given = CASES[at].i64_text;
        sql_add_i16(&args, CASES[at].i16);
        sql_add_i32(&args, CASES[at].i32);
        sql_add_i64(&args, CASES[at].i64);
        const struct sql_rows rows = run(&WRITE_NUMBERS);
        CHECK_EQ(given, sql_i16(rows, 0, 0), CASES[at].i16);
        CHECK_TEXT(given, sql_text(rows, 0, 1), CASES[at].i16_text);
        CHECK_EQ(given, sql_i32(rows, 0, 2), CASES[at].i32);
        CHECK_TEXT(given, sql_text(rows, 0, 3), CASES[at].i32_text);
        CHECK_EQ(given, sql_i64(rows, 0, 4), CASES[at].i64);
        CHECK_TEXT(given, sql_text(rows, 0, 5), CASES[at].i64_text);
    }
}

static void test_sql_time__far_from_today(void **state)
{
    (void)state;
    static const struct {
        int64_t time_us;
        const char *then;
    } CASES[] = {
        {0, "1970-01-01 00:00:00+00"},
        {-1, "1969-12-31 23:59:59.999999+00"},
        {-2208988800000000, "1900-01-01 00:00:00+00"},
        {-62135596800000000, "0001-01-01 00:00:00+00"},
        {946684800000000, "2000-01-01 00:00:00+00"},
        {1700000000000001, "2023-11-14 22:13:20.000001+00"},
        {2147483648000000, "2038-01-19 03:14:08+00"},
        {4294967296000000, "2106-02-07 06:28:16+00"},
        {253402300799999999, "9999-12-31 23:59:59.999999+00"},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        sql_add_time(&args, CASES[at].time_us);
        sql_add_text(&args, text_of(CASES[at].then));
        const struct sql_rows rows = run(&WRITE_TIME);
        CHECK_EQ(CASES[at].then, sql_time(rows, 0, 0), CASES[at].time_us);
        CHECK_TEXT(CASES[at].then, sql_text(rows, 0, 1), CASES[at].then);
        CHECK_EQ(CASES[at].then, sql_time(rows, 0, 2), CASES[at].time_us);
    }
}

static void test_sql_text__bytes_as_they_are(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        struct text value;
        const char *hex;
    } CASES[] = {
        {"nothing", {"", 0}, ""},
        {"quotes and a backslash", {"'\"\\", 3}, "27225c"},
        {"UTF-8 of one to four bytes", {"a\u00e9\u20ac\U0001f642", 10}, "61c3a9e282acf09f9982"},
        {"line ends", {"a\r\nb", 4}, "610d0a62"},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        const struct text value = CASES[at].value;
        sql_add_text(&args, value);
        sql_add_bytes(&args, value.data, value.size);
        const struct sql_rows rows = run(&WRITE_BYTES);
        CHECK(CASES[at].given, !sql_is_null(rows, 0, 0));
        CHECK(CASES[at].given, text_equals(sql_text(rows, 0, 0), value));
        CHECK_EQ(CASES[at].given, sql_i32(rows, 0, 1), value.size);
        CHECK(CASES[at].given, text_equals(sql_text(rows, 0, 2), value));
        CHECK_TEXT(CASES[at].given, sql_text(rows, 0, 3), CASES[at].hex);
    }
}

static void test_sql_bytes__any_byte(void **state)
{
    (void)state;
    static const char BYTES[] = {0, 1, 127, (char)128, (char)255, 0};
    sql_add_text(&args, TEXT("beside"));
    sql_add_bytes(&args, BYTES, sizeof BYTES);
    struct sql_rows rows = run(&WRITE_BYTES);
    CHECK("NUL among them", text_equals(sql_text(rows, 0, 2), (struct text){BYTES, sizeof BYTES}));
    CHECK_TEXT("NUL among them", sql_text(rows, 0, 3), "00017f80ff00");
    struct sha256 hash;
    memset(hash.bytes, 0xa5, sizeof hash.bytes);
    sql_add_text(&args, TEXT("beside"));
    sql_add_bytes(&args, hash.bytes, sizeof hash.bytes);
    rows = run(&WRITE_BYTES);
    const struct sha256 back = sql_sha256(rows, 0, 2);
    CHECK("a hash", memcmp(back.bytes, hash.bytes, sizeof hash.bytes) == 0);
}

static void test_sql_bool__both(void **state)
{
    (void)state;
    for (int value = 0; value < 2; value++) {
        sql_add_bool(&args, value == 1);
        const struct sql_rows rows = run(&WRITE_BOOL);
        CHECK_EQ("a boolean", sql_bool(rows, 0, 0), value);
        CHECK_TEXT("a boolean", sql_text(rows, 0, 1), value == 1 ? "true" : "false");
    }
}

static void test_sql_uuid__byte_order(void **state)
{
    (void)state;
    static const char *const CASES[] = {
        "00000000-0000-0000-0000-000000000000",
        "00112233-4455-7677-8899-aabbccddeeff",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        const struct uuid id = id_of(CASES[at]);
        sql_add_uuid(&args, &id);
        const struct sql_rows rows = run(&WRITE_UUID);
        const struct uuid back = sql_uuid(rows, 0, 0);
        CHECK(CASES[at], uuid_equals(&back, &id));
        CHECK_TEXT(CASES[at], sql_text(rows, 0, 1), CASES[at]);
    }
}

static void test_sql_add_null__every_type(void **state)
{
    (void)state;
    for (size_t at = 0; at < COUNT(TYPES); at++)
        sql_add_null(&args);
    struct sql_rows rows = run(&WRITE_ALL);
    for (int column = 0; column < (int)COUNT(TYPES); column++)
        CHECK("a NULL", sql_is_null(rows, 0, column));
    CHECK("the text of a NULL", text_is_none(sql_text(rows, 0, 6)));
    sql_add_text(&args, TEXT_NONE);
    sql_add_bytes(&args, "", 0);
    rows = run(&WRITE_BYTES);
    CHECK("a text that is none", sql_is_null(rows, 0, 0));
    CHECK("no bytes at all, but bytes", !sql_is_null(rows, 0, 2));
}

/* ---- arrays -------------------------------------------------------------------------------- */

/* One array of each type, in the order of TYPES. */
struct arrays {
    struct sql_array of[COUNT(TYPES)];
};

static void init_arrays(struct arrays *arrays)
{
    for (size_t at = 0; at < COUNT(TYPES); at++)
        sql_array_init(&arrays->of[at], arena, TYPES[at], 1); /* they grow */
}

static void add_values(struct arrays *arrays, int number, const struct uuid *id)
{
    sql_array_add_bool(&arrays->of[0], number % 2 == 1);
    for (size_t at = 1; at <= 4; at++) /* the integers and the time */
        sql_array_add_i64(&arrays->of[at], -number);
    sql_array_add_uuid(&arrays->of[5], id);
    sql_array_add_text(&arrays->of[6], text_format(arena, "%d \u20ac", number));
    sql_array_add_bytes(&arrays->of[7], "\0\377", number % 2 == 1 ? 2 : 0);
}

static void add_nulls(struct arrays *arrays)
{
    for (size_t at = 0; at < COUNT(TYPES); at++)
        sql_array_add_null(&arrays->of[at]);
}

static void add_to_args(struct arrays *arrays)
{
    for (size_t at = 0; at < COUNT(TYPES); at++)
        sql_add_array(&args, &arrays->of[at]);
}

static void check_values(struct sql_rows rows, int row, int number, const struct uuid *id)
{
    const struct uuid back = sql_uuid(rows, row, 5);
    CHECK_EQ("a boolean", sql_bool(rows, row, 0), number % 2 == 1);
    CHECK_EQ("a smallint", sql_i16(rows, row, 1), -number);
    CHECK_EQ("an integer", sql_i32(rows, row, 2), -number);
    CHECK_EQ("a bigint", sql_i64(rows, row, 3), -number);
    CHECK_EQ("a time", sql_time(rows, row, 4), -number);
    CHECK("a uuid", uuid_equals(&back, id));
    CHECK("a text", text_equals(sql_text(rows, row, 6), text_format(arena, "%d \u20ac", number)));
    CHECK_EQ("bytes", sql_text(rows, row, 7).size, number % 2 == 1 ? 2 : 0);
    CHECK("bytes", !sql_is_null(rows, row, 7));
}

enum { MANY = 1000 };

static void test_sql_array__every_type(void **state)
{
    (void)state;
    const struct uuid id = id_of("00112233-4455-7677-8899-aabbccddeeff");
    struct arrays arrays;
    init_arrays(&arrays);
    for (int number = 0; number < MANY; number++)
        add_values(&arrays, number, &id);
    add_to_args(&arrays);
    const struct sql_rows rows = run(&WRITE_ARRAYS);
    CHECK_EQ("a thousand of each", rows.count, MANY);
    for (int number = 0; number < MANY; number++)
        check_values(rows, number, number, &id);
}

static void test_sql_array__nulls_among_values(void **state)
{
    (void)state;
    const struct uuid id = id_of("00112233-4455-7677-8899-aabbccddeeff");
    struct arrays arrays;
    init_arrays(&arrays);
    add_nulls(&arrays);
    add_values(&arrays, 7, &id);
    add_nulls(&arrays);
    add_to_args(&arrays);
    const struct sql_rows rows = run(&WRITE_ARRAYS);
    CHECK_EQ("three of each", rows.count, 3);
    check_values(rows, 1, 7, &id);
    for (int column = 0; column < (int)COUNT(TYPES); column++) {
        CHECK("before", sql_is_null(rows, 0, column));
        CHECK("after", sql_is_null(rows, 2, column));
    }
}

static void test_sql_array__empty(void **state)
{
    (void)state;
    struct arrays arrays;
    init_arrays(&arrays);
    add_to_args(&arrays);
    struct sql_rows rows = run(&COUNT_ARRAYS);
    for (int column = 0; column < (int)COUNT(TYPES); column++)
        CHECK_EQ("an array, not NULL", sql_i32(rows, 0, column), 0);
    init_arrays(&arrays);
    add_to_args(&arrays);
    rows = run(&WRITE_ARRAYS);
    CHECK_EQ("its rows", rows.count, 0);
}

static void test_sql_array__bounds_of_smallint(void **state)
{
    (void)state;
    const struct uuid id = {{0}};
    struct arrays arrays;
    init_arrays(&arrays);
    add_values(&arrays, INT16_MAX, &id);
    add_values(&arrays, -INT16_MIN, &id);
    add_to_args(&arrays);
    const struct sql_rows rows = run(&WRITE_ARRAYS);
    CHECK_EQ("the largest, negated", sql_i16(rows, 0, 1), -INT16_MAX);
    CHECK_EQ("the smallest", sql_i16(rows, 1, 1), INT16_MIN);
}

static void test_sql_columns__nothing_is_null(void **state)
{
    (void)state;
    const struct uuid nil = {{0}};
    const struct uuid id = id_of("00112233-4455-7677-8899-aabbccddeeff");
    struct sql_columns columns;
    struct error err = {.message = ""};
    SQL_COLUMNS_INIT(&columns, arena, 2, SQL_TIME, SQL_UUID, SQL_TEXT);
    CHECK("before the first row", sql_columns_is_empty(&columns));
    sql_columns_add_time(&columns, 0);
    sql_columns_add_uuid(&columns, &nil);
    sql_columns_add_name(&columns, NULL);
    sql_columns_add_time(&columns, 1);
    sql_columns_add_uuid(&columns, &id);
    sql_columns_add_name(&columns, "name");
    CHECK("after the last row", !sql_columns_is_empty(&columns));
    sql_columns_send(&columns, db, &WRITE_COLUMNS);
    if (db_run(db, &err) != OK)
        fail_msg("running: %s", err.message);
    const struct sql_rows rows = db_rows(db, 0);
    for (int column = 0; column < 3; column++)
        CHECK("a row of nothings", sql_is_null(rows, 0, column));
    CHECK_TEXT("a time", sql_text(rows, 1, 0), "1970-01-01 00:00:00.000001+00");
    CHECK_TEXT("a uuid", sql_text(rows, 1, 1), "00112233-4455-7677-8899-aabbccddeeff");
    CHECK_TEXT("a name", sql_text(rows, 1, 2), "name");
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, before_each, after_each)

int main(void)
{
    store_need_database();
    const struct CMUnitTest tests[] = {
        EACH(test_sql_numbers__bounds),
        EACH(test_sql_time__far_from_today),
        EACH(test_sql_text__bytes_as_they_are),
        EACH(test_sql_bytes__any_byte),
        EACH(test_sql_bool__both),
        EACH(test_sql_uuid__byte_order),
        EACH(test_sql_add_null__every_type),
        EACH(test_sql_array__every_type),
        EACH(test_sql_array__nulls_among_values),
        EACH(test_sql_array__empty),
        EACH(test_sql_array__bounds_of_smallint),
        EACH(test_sql_columns__nothing_is_null),
    };
    return cmocka_run_group_tests_name("platform/sql values", tests, NULL, NULL);
}
