/* platform/bus/topics.h - the topics there are.
 *
 * Purpose:   a bus whose topics have to be made makes all of them at its start, so that others can
 *            subscribe before the first message. Their names follow from the outbox's
 *            aggregate types; each one with a consumer of ours has dead letters beside it.
 * Units:     none.
 * Ownership: names live in the arena given.
 * Errors:    none.
 * Threads:   values. */
#ifndef PLATFORM_BUS_TOPICS_H
#define PLATFORM_BUS_TOPICS_H

#include "base/text.h"

struct arena;

enum { TOPICS_MAX = 16 };

struct topic_list {
    struct text names[TOPICS_MAX];
    size_t count;
};

/* <prefix>.authorization.v1 and so on. */
struct topic_list topics_all(struct arena *arena, const char *prefix);
/* <topic>.dlq */
struct text topic_of_dead_letters(struct arena *arena, struct text topic);
bool topic_is_of_dead_letters(struct text topic);

#endif
