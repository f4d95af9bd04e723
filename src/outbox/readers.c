#include "outbox/readers.h"

#include "base/arena.h"
#include "base/assert.h"

/* By the names between prefix and version: prefix.authorization.v1 */
static const struct {
    const char *group, *topics[2];
} READERS[] = {
    {"authorization", {"authorization.commands"}},
    {"ledger", {"ledger.commands"}},
    {"saga", {"authorization", "ledger"}},
};

const char *const READERS_THAT_BOOK[] = {"ledger", "saga", NULL};

const struct bus_reader *readers_of_bus(struct arena *arena, const char *topic_prefix,
                                        const struct bus_reader *more)
{
    struct bus_reader *readers = ARENA_NEW_ARRAY(arena, struct bus_reader, COUNT(READERS) + 2);
    readers[COUNT(READERS)] = *more;
    for (size_t at = 0; at < COUNT(READERS); at++) {
        readers[at].group = READERS[at].group;
        for (size_t of = 0; of < COUNT(READERS[at].topics) && READERS[at].topics[of] != NULL; of++)
            readers[at].topics[of] =
                text_format(arena, "%s.%s.v1", topic_prefix, READERS[at].topics[of]).data;
    }
    return readers;
}
