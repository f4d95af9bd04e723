/* batches - authorizations decided in batches, straight to PostgreSQL: no HTTP, no JSON.
 *
 *     batches --statements DIR --accounts N [--items 128] [--connections 2] [--seconds 5] URL
 *
 * Each connection has a thread of its own, and every batch two round trips: lock the accounts and
 * look for repeats; then, once it is decided here, save and commit. The statements are files of
 * DIR (lock, find, save, hold), written by bench/floors.py. Prints one line of JSON. */
#include "load/buffer.h"
#include "load/histogram.h"

#include <endian.h>
#include <getopt.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ITEMS_MAX = 4096, CONNECTIONS_MAX = 64, UUID_SIZE = 16, LANES = 64 };
enum { INT2_OID = 21, INT8_OID = 20, UUID_OID = 2950 };

static const uint64_t NS_PER_S = 1000000000, NS_PER_MS = 1000000, NS_PER_US = 1000;
static const char *const STATEMENTS[] = {"lock", "find", "save", "hold"};

static struct {
    const char *folder, *url;
    uint64_t accounts, seconds;
    int items, connections;
} options = {.accounts = 1, .seconds = 5, .items = 128, .connections = 2};

/* An array as PostgreSQL takes it in binary form. */
struct array {
    struct buffer bytes;
    int count;
};

/* What a thread works with, from batch to batch. */
struct worker {
    pthread_t thread;
    PGconn *db;
    uint64_t random, done;
    uint64_t picked[ITEMS_MAX];                             /* account numbers, ascending */
    struct array lanes, accounts, ids, sagas, events, keys; /* of items */
    struct array held_lanes, held_accounts, held_minor;     /* of accounts */
    struct histogram latency;
};

static uint64_t now_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* splitmix64 */
static uint64_t draw(struct worker *w)
{
    uint64_t z = w->random += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* ---- arrays ---------------------------------------------------------------------------------- */

static void array_begin(struct array *array, uint32_t element)
{
    const uint32_t head[] = {htobe32(1), 0, htobe32(element), 0, htobe32(1)};
    buffer_clear(&array->bytes);
    buffer_add(&array->bytes, head, sizeof head);
    array->count = 0;
}

static void array_add(struct array *array, const void *value, size_t size)
{
    const uint32_t length = htobe32((uint32_t)size);
    buffer_add(&array->bytes, &length, sizeof length);
    buffer_add(&array->bytes, value, size);
    const uint32_t count = htobe32((uint32_t)++array->count);
    memcpy(array->bytes.data + 3 * sizeof count, &count, sizeof count);
}

static void add_lane(struct array *array, uint64_t account)
{
    const uint16_t lane = htobe16((uint16_t)(account % LANES));
    array_add(array, &lane, sizeof lane);
}

static void add_uuid(struct array *array, uint64_t high, uint64_t low)
{
    const uint64_t halves[] = {htobe64(high), htobe64(low)};
    array_add(array, halves, UUID_SIZE);
}

/* Of version 7: the time, then what is random; its lane in its last bits. */
static void add_id(struct worker *w, struct array *array, uint64_t account)
{
    const uint64_t ms = now_ns(CLOCK_REALTIME) / NS_PER_MS;
    const uint64_t high = ms << 16 | 0x7000 | (draw(w) & 0xfff);
    const uint64_t low = (draw(w) & 0x3fffffffffffffffu & ~(uint64_t)(LANES - 1)) |
                         0x8000000000000000u | account % LANES;
    add_uuid(array, high, low);
}

/* ---- statements ------------------------------------------------------------------------------ */

static void expect(struct worker *w, bool is_well)
{
    if (!is_well)
        die("%s", PQerrorMessage(w->db));
}

static void prepare(struct worker *w, const char *name)
{
    char path[512], part[4096];
    static _Thread_local struct buffer text;
    snprintf(path, sizeof path, "%s/%s.sql", options.folder, name);
    FILE *const file = fopen(path, "re");
    if (file == NULL)
        die("cannot read %s", path);
    buffer_clear(&text);
    for (size_t size; (size = fread(part, 1, sizeof part, file)) > 0;)
        buffer_add(&text, part, size);
    fclose(file);
    PGresult *const result = PQprepare(w->db, name, text.data, 0, NULL);
    expect(w, PQresultStatus(result) == PGRES_COMMAND_OK);
    PQclear(result);
}

static void send(struct worker *w, const char *name, struct array *const *arrays, int count)
{
    static const int BINARY[] = {1, 1, 1, 1, 1, 1};
    const char *values[6];
    int sizes[6];
    for (int at = 0; at < count; at++) {
        values[at] = arrays[at]->bytes.data;
        sizes[at] = (int)arrays[at]->bytes.size;
    }
    expect(w, PQsendQueryPrepared(w->db, name, count, values, sizes, BINARY, 1) == 1);
}

static void send_plain(struct worker *w, const char *text)
{
    expect(w, PQsendQueryParams(w->db, text, 0, NULL, NULL, NULL, NULL, 0) == 1);
}

/* The next statement's rows; whoever asks for them must clear them. */
static PGresult *take(struct worker *w)
{
    PGresult *const result = PQgetResult(w->db);
    const ExecStatusType status = PQresultStatus(result);
    expect(w, status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
                  status == PGRES_PIPELINE_SYNC);
    if (status != PGRES_PIPELINE_SYNC)
        expect(w, PQgetResult(w->db) == NULL);
    return result;
}

static void take_all(struct worker *w, int count)
{
    for (int at = 0; at < count; at++)
        PQclear(take(w));
}

/* ---- one batch: load, decide, save ----------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    /* In order of (lane, id), as the services lock. */
    const uint64_t one = *(const uint64_t *)a, two = *(const uint64_t *)b;
    const uint64_t lane_one = one % LANES, lane_two = two % LANES;
    if (lane_one != lane_two)
        return lane_one < lane_two ? -1 : 1;
    return one < two ? -1 : one > two;
}

static void pick(struct worker *w)
{
    for (int at = 0; at < options.items; at++)
        w->picked[at] = 1 + draw(w) % options.accounts;
    qsort(w->picked, (size_t)options.items, sizeof w->picked[0], compare);
    array_begin(&w->held_lanes, INT2_OID);
    array_begin(&w->held_accounts, UUID_OID);
    for (int at = 0; at < options.items; at++) {
        if (at > 0 && w->picked[at] == w->picked[at - 1])
            continue;
        add_lane(&w->held_lanes, w->picked[at]);
        add_uuid(&w->held_accounts, 0, w->picked[at]);
    }
    array_begin(&w->keys, UUID_OID);
    for (int at = 0; at < options.items; at++)
        add_uuid(&w->keys, draw(w), draw(w));
}

/* The accounts' rows come as they were asked for. */
static int decide(struct worker *w, const PGresult *rows)
{
    int decided = 0, row = -1;
    int64_t held = 0, limit = 0;
    array_begin(&w->held_minor, INT8_OID);
    for (int at = 0; at < options.items; at++) {
        if (at == 0 || w->picked[at] != w->picked[at - 1]) {
            row++;
            expect(w, row < PQntuples(rows));
            memcpy(&held, PQgetvalue(rows, row, 1), sizeof held);
            memcpy(&limit, PQgetvalue(rows, row, 2), sizeof limit);
            held = (int64_t)be64toh((uint64_t)held);
            limit = (int64_t)be64toh((uint64_t)limit);
        }
        if (held + 1 > limit)
            die("an account's limit is reached");
        held++;
        decided++;
        if (at == options.items - 1 || w->picked[at] != w->picked[at + 1]) {
            const uint64_t bytes = htobe64((uint64_t)held);
            array_add(&w->held_minor, &bytes, sizeof bytes);
        }
    }
    return decided;
}

static void make_rows(struct worker *w)
{
    struct array *const uuids[] = {&w->accounts, &w->ids, &w->sagas, &w->events};
    array_begin(&w->lanes, INT2_OID);
    for (size_t at = 0; at < sizeof uuids / sizeof uuids[0]; at++)
        array_begin(uuids[at], UUID_OID);
    for (int at = 0; at < options.items; at++) {
        const uint64_t account = w->picked[at];
        add_lane(&w->lanes, account);
        add_uuid(&w->accounts, 0, account);
        add_id(w, &w->ids, account);
        add_id(w, &w->sagas, account);
        add_id(w, &w->events, account);
    }
}

static void run_batch(struct worker *w)
{
    pick(w);
    send_plain(w, "BEGIN");
    send(w, "lock", (struct array *[]){&w->held_lanes, &w->held_accounts}, 2);
    send(w, "find", (struct array *[]){&w->keys}, 1);
    expect(w, PQpipelineSync(w->db) == 1);
    make_rows(w);
    PQclear(take(w));
    PGresult *const accounts = take(w);
    w->done += (uint64_t)decide(w, accounts);
    PQclear(accounts);
    take_all(w, 2);
    send(w, "save",
         (struct array *[]){&w->lanes, &w->accounts, &w->ids, &w->sagas, &w->events, &w->keys}, 6);
    send(w, "hold", (struct array *[]){&w->held_lanes, &w->held_accounts, &w->held_minor}, 3);
    send_plain(w, "COMMIT");
    expect(w, PQpipelineSync(w->db) == 1);
    take_all(w, 4);
}

static void *work(void *of_worker)
{
    struct worker *const w = of_worker;
    const uint64_t stop_ns = now_ns(CLOCK_MONOTONIC) + options.seconds * NS_PER_S;
    for (uint64_t from_ns; (from_ns = now_ns(CLOCK_MONOTONIC)) < stop_ns;) {
        run_batch(w);
        histogram_add(&w->latency, (now_ns(CLOCK_MONOTONIC) - from_ns) / NS_PER_US);
    }
    return NULL;
}

/* ---- the program ----------------------------------------------------------------------------- */

static void read_options(int argc, char **argv)
{
    static const struct option NAMES[] = {
        {"statements", required_argument, NULL, 's'}, {"accounts", required_argument, NULL, 'a'},
        {"items", required_argument, NULL, 'i'},      {"connections", required_argument, NULL, 'c'},
        {"seconds", required_argument, NULL, 't'},    {NULL, 0, NULL, 0},
    };
    for (int letter; (letter = getopt_long(argc, argv, "s:a:i:c:t:", NAMES, NULL)) != -1;) {
        const uint64_t number = letter == 's' ? 0 : strtoull(optarg, NULL, 10);
        switch (letter) {
        case 's':
            options.folder = optarg;
            break;
        case 'a':
            options.accounts = number;
            break;
        case 'i':
            options.items = (int)number;
            break;
        case 'c':
            options.connections = (int)number;
            break;
        default:
            options.seconds = number;
        }
    }
    options.url = argv[optind];
    if (options.folder == NULL || options.url == NULL || options.accounts == 0 ||
        options.items < 1 || options.items > ITEMS_MAX || options.connections < 1 ||
        options.connections > CONNECTIONS_MAX)
        die("see the head of bench/floor/batches.c");
}

static void start(struct worker *w, uint64_t number)
{
    w->random = now_ns(CLOCK_REALTIME) ^ number << 56;
    w->db = PQconnectdb(options.url);
    expect(w, PQstatus(w->db) == CONNECTION_OK);
    for (size_t at = 0; at < sizeof STATEMENTS / sizeof STATEMENTS[0]; at++)
        prepare(w, STATEMENTS[at]);
    expect(w, PQenterPipelineMode(w->db) == 1);
}

static void print(const struct histogram *latency, uint64_t items)
{
    static const struct {
        const char *name;
        unsigned per_mille;
    } PARTS[] = {{"p50_ms", 500}, {"p99_ms", 990}, {"p999_ms", 999}};
    printf("{\"items\":%" PRIu64, items);
    for (size_t at = 0; at < sizeof PARTS / sizeof PARTS[0]; at++) {
        const uint64_t us = histogram_percentile_us(latency, PARTS[at].per_mille);
        printf(",\"%s\":%" PRIu64 ".%03" PRIu64, PARTS[at].name, us / 1000, us % 1000);
    }
    printf("}\n");
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    struct worker *const workers = calloc((size_t)options.connections, sizeof *workers);
    struct histogram *const latency = calloc(1, sizeof *latency);
    uint64_t items = 0;
    for (int at = 0; at < options.connections; at++)
        start(&workers[at], (uint64_t)at);
    for (int at = 0; at < options.connections; at++)
        pthread_create(&workers[at].thread, NULL, work, &workers[at]);
    for (int at = 0; at < options.connections; at++) {
        pthread_join(workers[at].thread, NULL);
        PQfinish(workers[at].db);
        items += workers[at].done;
        histogram_merge(latency, &workers[at].latency);
    }
    print(latency, items);
    return 0;
}
