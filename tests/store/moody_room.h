/* A room that does as it is told, for tests of what becomes of messages: in the ledger's schema. */
#ifndef TESTS_STORE_MOODY_ROOM_H
#define TESTS_STORE_MOODY_ROOM_H

#include "store.h"

#include "platform/messaging/consumer.h"

#define TOPIC "test.one.v1"

/* What it does with a message: it applies it, unless told otherwise. */
enum mood { MOOD_APPLY, MOOD_PARK, MOOD_BURY, MOOD_BREAK };

/* From now on, about messages of this sequence, so many times; it applies the others. */
void moody_room_set(enum mood mood, int64_t moody_about, int moods);
int moody_room_calls(void);
int64_t moody_room_applied_count(void);
/* Those of the first key (up to 100) that it has applied, as "1 2 3 ". */
const char *applied_of_key(char *out, size_t size);

struct consumer *start_consumer_that(const char *on_poison, int attempts_max);
struct consumer *start_consumer(int attempts_max); /* park_key */

/* Messages 1 to `count` of one key, in one lane; other keys of the lane come in between. */
void publish_sequence(int count);

/* A setup of cmocka: nothing is there, and the room applies everything. */
int before_each(void **state);

#endif
