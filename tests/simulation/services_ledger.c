/* The ledger: its consumer. */
#include "services.h"

#include "base/arena.h"
#include "base/assert.h"
#include "ledger/consumer.h"
#include "platform/messaging/waker.h"

static void start(struct process *process)
{
    (void)process;
    struct error err;
    struct ledger_consumer *consumer = NULL;
    struct arena *arena = arena_new((size_t)1 << 20);
    const struct ledger_config config = {
        .service = services_config(), .threads = 1 + (int64_t)sim_below(2), .batch_max = 20};
    const struct db_config db = service_db_config(&config.service, "ledger");
    ASSERT(ledger_consumer_start(&config, waker_start(&db, CHANNEL_OUTBOX), arena, &consumer,
                                 &err) == OK);
}

struct process *ledger_process(void)
{
    return process_add("ledger", start, NULL);
}
