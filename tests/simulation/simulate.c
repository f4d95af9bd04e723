/* simulate SEED            one schedule, told step by step
 * simulate --runs N SEED   N schedules from this seed on, silently; says how many, and what
 * happened
 *
 * Exit code 0: all promises were kept. 3: one was broken; standard error says the seed and which.
 */
#include "clients.h"
#include "connection.h"
#include "oracle.h"
#include "services.h"
#include "sim.h"
#include "table.h"

#include "base/assert.h"
#include "domain/lane.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

enum { S = 1000000 };

/* What the runs together have seen: a simulation in which nothing goes wrong proves nothing. */
static struct {
    uint64_t steps, commits, faults, kills, requests, sagas, compensated, expired, parked, stuck,
        deeds;
    uint64_t digest;
} seen;

/* Most schedules have a few kinds of faults; some have none, and some all. */
static void draw_faults(void)
{
    struct sim_faults *faults = &sim.faults;
    const unsigned kinds =
        (unsigned)(sim_draw() & sim_draw() & 0xff) | (unsigned)(sim_draw() & 0x7);
    const bool all = sim_below(16) == 0, none = sim_below(16) == 0;
    const unsigned mask = none ? 0 : all ? 0xff : kinds;
    sim.skips = sim_below(8) == 0;
    faults->give_way = 1 + sim_below(6);
    faults->crash = mask & 1 ? 400 + sim_below(4000) : 0;
    faults->disconnect = mask & 2 ? 100 + sim_below(2000) : 0;
    faults->commit_unknown = mask & 4 ? 5 + sim_below(60) : 0;
    faults->server_restart = mask & 8 ? 500 + sim_below(5000) : 0;
    faults->kill = mask & 16 ? 300 + sim_below(3000) : 0;
    faults->refusal = mask & 32 ? 100 + sim_below(1000) : 0;
    faults->letter_lost = mask & 64 ? 3 + sim_below(12) : 0;
    faults->letter_twice = mask & 128 ? 2 + sim_below(8) : 0;
}

/* Near midnight a key is kept under two days. */
static void draw_time(void)
{
    static const int64_t DAY_US = 86400LL * 1000000;
    sim.epoch_us = 20000 * DAY_US + (int64_t)(sim_draw() % (uint64_t)(DAY_US / 2)) + DAY_US / 4;
    if (sim_below(8) == 0)
        sim.epoch_us = 20001 * DAY_US - (int64_t)sim_below(3 * 1000 * 1000);
}

static void seed_row(enum schema schema, enum table_id id, int lane)
{
    static const char zeros[32];
    struct transaction tx = {.is_open = true};
    const struct insertion insertion = {table_of(schema, id), &tx, 0, false};
    const struct cell cells[COLUMNS_MAX] = {cell_i16(lane), cell_i64(0), {zeros, sizeof zeros}};
    struct row *found = NULL;
    struct error err;
    ASSERT(row_insert(&insertion, cells, &found, &err) == OK);
    transaction_end(&tx, true);
}

/* Of the lanes that users have: a migration makes all 64. */
static void seed_tables(void)
{
    for (int user = 0; user < client_users(); user++) {
        const struct uuid id =
            account_id_of((struct text){"default", 7}, text_of(client_user(user)));
        const int lane = lane_of(&id);
        seed_row(S_LEDGER, T_CHAIN, lane);
        for (int schema = S_AUTHORIZATION; schema <= S_SAGA; schema++)
            seed_row((enum schema)schema, T_OUTBOX_LANE, lane);
    }
}

/* Everything is done, and nothing will come: also short holds have expired. */
static bool is_over(void)
{
    connections_notice();
    if (sim_fault(sim.faults.server_restart / 8))
        connections_restart_server();
    if (!oracle_is_quiet())
        return false;
    sim.leap_us = oracle_next_due_us();
    return sim.leap_us == 0;
}

static void count_seen(void)
{
    const struct table *sagas = table_of(S_SAGA, T_SAGA);
    seen.steps += sim.steps;
    seen.commits += server.commits;
    seen.faults += (uint64_t)sim.fault_count;
    seen.requests += requests_count();
    for (int at = 0; at < sim.process_count; at++)
        seen.kills += (uint64_t)sim.processes[at].kills;
    for (size_t at = 0; at < sagas->count; at++) {
        if (sagas->rows[at]->committed == NULL)
            continue;
        const struct cell *cells = sagas->rows[at]->committed;
        seen.sagas++;
        seen.compensated += cell_is(cells[column_of(sagas, "state", 5)], "compensated");
        seen.stuck += cell_is(cells[column_of(sagas, "reason", 6)], "no_answer");
        seen.deeds += cell_is(cells[column_of(sagas, "reason", 6)], "operator");
        seen.expired += cell_is(cells[column_of(sagas, "reason", 6)], "expired");
    }
    for (int schema = S_AUTHORIZATION; schema <= S_SAGA; schema++)
        seen.parked += (uint64_t)server.sequences[schema][1];
    seen.digest = seen.digest * 31 + sim.digest;
}

static void run_schedule(uint64_t seed)
{
    sim_begin(seed);
    server_begin();
    connections_begin();
    letters_begin();
    oracle_begin();
    draw_faults();
    draw_time();
    services_begin();
    clients_begin();
    seed_tables();
    sim_run(is_over, S / 2 + sim_below(2 * S), 300LL * S);
    oracle_check_all();
    count_seen();
    sim_tell("digest %016llx", (unsigned long long)sim.digest);
    sim_end();
    server_end();
}

static void tell_seen(uint64_t runs, uint64_t first)
{
    const struct {
        const char *what;
        uint64_t count;
    } COUNTS[] = {{"steps", seen.steps},
                  {"commits", seen.commits},
                  {"requests", seen.requests},
                  {"sagas", seen.sagas},
                  {"compensated", seen.compensated},
                  {"stuck for a while", seen.stuck},
                  {"undone by an operator", seen.deeds},
                  {"expired", seen.expired},
                  {"faults", seen.faults},
                  {"kills", seen.kills},
                  {"messages parked", seen.parked}};
    printf("%llu schedules from seed %llu:", (unsigned long long)runs, (unsigned long long)first);
    for (size_t at = 0; at < COUNT(COUNTS); at++)
        printf(" %llu %s,", (unsigned long long)COUNTS[at].count, COUNTS[at].what);
    printf(" digest %016llx\n", (unsigned long long)seen.digest);
}

int main(int argc, char **argv)
{
    uint64_t runs = 1, first = 1;
    const bool is_many = argc == 4 && strcmp(argv[1], "--runs") == 0;
    if (!is_many && argc != 2) {
        fprintf(stderr, "usage: simulate SEED | simulate --runs N SEED\n");
        return 2;
    }
    if (is_many)
        runs = strtoull(argv[2], NULL, 10);
    first = strtoull(argv[argc - 1], NULL, 10);
    sim.is_loud = !is_many;
    /* Large blocks come back often: from the heap, not from the kernel. */
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    server.committed = oracle_check_commit;
    for (uint64_t at = 0; at < runs; at++)
        run_schedule(first + at);
    tell_seen(runs, first);
    return 0;
}
