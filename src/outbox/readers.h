/* outbox/readers.h - which consumer group reads which topics.
 *
 * Purpose:   a bus that forgets what nobody is subscribed to is told its readers by the one who
 *            publishes, before the first message. The groups themselves name their topics too.
 * Units:     none.
 * Ownership: the list lives in the arena; the prefix must outlive it.
 * Errors:    none.
 * Threads:   values. */
#ifndef OUTBOX_READERS_H
#define OUTBOX_READERS_H

#include "platform/bus/bus.h"

/* The groups that turn a decision into a booking; ends with NULL. */
extern const char *const READERS_THAT_BOOK[];

/* `more`: a reader beside those of the services; its group may be NULL. Ends with a NULL group. */
const struct bus_reader *readers_of_bus(struct arena *arena, const char *topic_prefix,
                                        const struct bus_reader *more);

#endif
