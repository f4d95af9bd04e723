#include "ledger/consumer.h"

#include "base/arena.h"
#include "base/assert.h"
#include "ledger/post.h"
#include "ledger/store.h"
#include "platform/messaging/waker.h"

#include <stdio.h>

enum { BATCH_ARENA_SIZE_MAX = 64 * 1024 * 1024, TOPIC_SIZE_MAX = 256 };

struct ledger_consumer {
    char topic[TOPIC_SIZE_MAX];
    struct waker *waker;
    struct consumer *consumer;
};

static enum status apply(void *context, const struct delivery_batch *batch, struct error *err)
{
    const struct ledger_consumer *consumer = context;
    TRY(ledger_post(batch->db, batch->arena, batch->deliveries, batch->count, err));
    waker_ring(consumer->waker);
    return OK;
}

static struct consumer_config consumer_config(const struct ledger_config *config,
                                              struct ledger_consumer *consumer)
{
    struct db_config db = service_db_config(&config->service, "ledger");
    db.statements[0] = ledger_store_statements;
    return (struct consumer_config){
        .settings = config->service.consumer,
        .bus = service_bus_config(&config->service, "ledger"),
        .db = db,
        .group = "ledger",
        .topics = {consumer->topic},
        .threads = (int)config->threads,
        .batch_max = (int)config->batch_max,
        .arena_size_max = BATCH_ARENA_SIZE_MAX,
        .context = consumer,
        .apply = apply,
    };
}

enum status ledger_consumer_start(const struct ledger_config *config, struct waker *waker,
                                  struct arena *arena, struct ledger_consumer **consumer_out,
                                  struct error *err)
{
    struct ledger_consumer *consumer = ARENA_NEW(arena, struct ledger_consumer);
    consumer->waker = waker;
    snprintf(consumer->topic, sizeof consumer->topic, "%s.ledger.commands.v1",
             config->service.topic_prefix);
    const struct consumer_config started = consumer_config(config, consumer);
    TRY(consumer_start(&started, &consumer->consumer, err));
    *consumer_out = consumer;
    return OK;
}

void ledger_consumer_stop(struct ledger_consumer *consumer)
{
    if (consumer != NULL)
        consumer_stop(consumer->consumer);
}
