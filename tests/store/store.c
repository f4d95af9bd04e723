#include "store.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char OWNER[] = "tallystick_owner";

const char *store_url(void)
{
    return getenv("TALLYSTICK_TEST_DATABASE_URL");
}

void store_need_database(void)
{
    if (store_url() != NULL)
        return;
    fprintf(stderr, "TALLYSTICK_TEST_DATABASE_URL is not set: skipped\n");
    exit(SKIPPED);
}

/* One connection for the whole program. */
static PGconn *owner(void)
{
    static PGconn *connection;
    if (connection != NULL)
        return connection;
    const char *const keywords[] = {"user", "dbname", NULL};
    const char *const values[] = {OWNER, store_url(), NULL};
    connection = PQconnectdbParams(keywords, values, 1);
    if (PQstatus(connection) != CONNECTION_OK)
        fail_msg("cannot connect: %s", PQerrorMessage(connection));
    return connection;
}

static int64_t first_value(const char *statement)
{
    PGresult *result = PQexec(owner(), statement);
    const ExecStatusType kind = PQresultStatus(result);
    if (kind != PGRES_COMMAND_OK && kind != PGRES_TUPLES_OK)
        fail_msg("%s: %s", statement, PQerrorMessage(owner()));
    int64_t value = 0;
    if (PQntuples(result) > 0 && !PQgetisnull(result, 0, 0))
        value = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    return value;
}

int64_t store_sql(const char *format, ...)
{
    char statement[2000];
    va_list args;
    va_start(args, format);
    vsnprintf(statement, sizeof statement, format, args);
    va_end(args);
    return first_value(statement);
}

void store_clean(void)
{
    first_value("GRANT INSERT ON bus.bus_message TO tallystick_outbox"); /* a test may revoke it */
    first_value("TRUNCATE bus.bus_partition, bus.bus_message, bus.bus_cursor");
    first_value("TRUNCATE ledger.outbox, ledger.inbox, ledger.parked_key, ledger.parked_message,"
                " ledger.dead_letter RESTART IDENTITY");
}

const struct bus_reader *store_readers;

/* Few partitions: a topic of a test is soon made. */
struct bus_config store_bus(const char *user)
{
    const char *kind = getenv("TALLYSTICK_TEST_BUS");
    return (struct bus_config){.settings = {.kind = kind == NULL ? "postgres" : kind,
                                            .retention_s = 3600,
                                            .kafka_brokers = getenv("KAFKA_BROKERS"),
                                            .kafka_partitions = 4,
                                            .kafka_replicas = 1,
                                            .sqs_visibility_s = 30},
                               .database_url = store_url(),
                               .user = user,
                               .service = "test",
                               .readers = store_readers};
}

struct db_config store_db(const char *user, const char *schema)
{
    return (struct db_config){
        .url = store_url(), .user = user, .schema = schema, .application_name = "test"};
}

bool store_wait_for(int64_t wanted, const char *statement)
{
    const struct timespec pause = {.tv_nsec = 5 * 1000000};
    for (int tries = 0; tries < 2000; tries++) {
        if (first_value(statement) == wanted)
            return true;
        nanosleep(&pause, NULL);
    }
    return false;
}

struct uuid store_key(int number, int lane)
{
    struct uuid key = {{0}};
    key.bytes[6] = 0x80;
    key.bytes[13] = (uint8_t)(number >> 8);
    key.bytes[14] = (uint8_t)number;
    key.bytes[15] = (uint8_t)lane;
    return key;
}

struct message store_message(const char *topic, struct uuid key, int64_t sequence)
{
    return (struct message){
        .topic = text_of(topic),
        .key = key,
        .id = uuid_make_v7(),
        .type = TEXT("dev.tallystick.test.happened.v1"),
        .source = TEXT("/tallystick/test"),
        .subject = key,
        .time_us = 1700000000000000,
        .sequence = sequence,
        .tenant = TEXT("default"),
        .traceparent = TEXT("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        .payload = TEXT("{\"test\":true}"),
    };
}

static bool is_any(const bool *flags, size_t count)
{
    for (size_t at = 0; at < count; at++)
        if (flags[at])
            return true;
    return false;
}

/* A bus on a busy machine may not be ready at once. */
void store_publish(const struct message *messages, size_t count)
{
    const struct bus_config config = store_bus("tallystick_outbox");
    const struct timespec pause = {.tv_nsec = 100 * 1000000};
    struct bus_publisher *publisher = NULL;
    struct error err = {.message = ""};
    bool *published = calloc(count + 1, sizeof *published);
    enum status status = bus_publisher_open(&config, &publisher, &err);
    for (int tries = 0; tries < 100; tries++) {
        if (publisher != NULL)
            status = bus_publish(publisher, messages, count, published, &err);
        if (status == OK || publisher == NULL || is_any(published, count))
            break;
        nanosleep(&pause, NULL);
    }
    if (status != OK)
        fail_msg("publishing: %s", err.message);
    for (size_t at = 0; at < count; at++)
        assert_true(published[at]);
    bus_publisher_close(publisher);
    free(published);
}

void store_run_together(void *(*run)(void *number), int count)
{
    enum { THREADS_MAX = 16 };
    pthread_t threads[THREADS_MAX];
    int numbers[THREADS_MAX];
    assert_true(count <= THREADS_MAX);
    for (int at = 0; at < count; at++) {
        numbers[at] = at;
        assert_int_equal(pthread_create(&threads[at], NULL, run, &numbers[at]), 0);
    }
    for (int at = 0; at < count; at++)
        pthread_join(threads[at], NULL);
}
