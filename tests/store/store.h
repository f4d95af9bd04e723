/* store.h - what every store test stands on: a migrated database of its own.
 *
 * TALLYSTICK_TEST_DATABASE_URL names it, without a user; roles are taken as the services take them,
 * so that a missing grant fails a test. Without the variable a program is skipped. */
#ifndef TESTS_STORE_STORE_H
#define TESTS_STORE_STORE_H

#include "../unit/check.h"

#include "platform/bus/bus.h"
#include "platform/postgres/postgres.h"

enum { SKIPPED = 77 };

/* First thing in main: ends the program when there is no database. */
void store_need_database(void);
const char *store_url(void);

/* One statement as the owner of everything; its first value as a number, 0 where there is none. */
int64_t store_sql(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Empties the bus and what the ledger keeps of it. */
void store_clean(void);

/* The bus that TALLYSTICK_TEST_BUS names, or PostgreSQL's; KAFKA_BROKERS tells where Kafka is. */
struct bus_config store_bus(const char *user);
/* Who reads what, for buses that have to know; a list as in struct bus_config. */
extern const struct bus_reader *store_readers;
struct db_config store_db(const char *user, const char *schema);

/* True once the statement's first value is `wanted`; false after ten seconds. */
bool store_wait_for(int64_t wanted, const char *statement);

/* An id whose last 6 bits are the lane. */
struct uuid store_key(int number, int lane);
/* A message that can be published: its sequence tells it apart. */
struct message store_message(const char *topic, struct uuid key, int64_t sequence);
void store_publish(const struct message *messages, size_t count);

/* Runs it on `count` threads, each with a pointer to its number (an int), until all have ended. */
void store_run_together(void *(*run)(void *number), int count);

#endif
