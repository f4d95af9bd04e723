/* The outbox processor: a relay for each service. */
#include "services.h"

#include "base/arena.h"
#include "base/assert.h"
#include "outbox/relay.h"

static void start(struct process *process)
{
    (void)process;
    struct arena *arena = arena_new((size_t)1 << 20);
    const struct service_config service = services_config();
    for (size_t at = 0; at < SOURCE_COUNT; at++) {
        struct error err;
        struct relay *relay = NULL;
        struct relay_config config = {.source = (enum outbox_source)at,
                                      .db = service_db_config(&service, "outbox"),
                                      .bus = service_bus_config(&service, "outbox"),
                                      .topic_prefix = service.topic_prefix,
                                      .batch_max = 20,
                                      .pending_warning = 10000,
                                      .age_warning_s = 30};
        config.db.schema = outbox_source_name(at);
        ASSERT(relay_start(&config, arena, &relay, &err) == OK);
    }
}

struct process *outbox_process(void)
{
    return process_add("outbox", start, NULL);
}
