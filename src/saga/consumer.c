#include "saga/consumer.h"

#include "base/arena.h"
#include "platform/messaging/consumer.h"
#include "saga/advance.h"
#include "saga/room.h"

enum { ARENA_SIZE_MAX = 256 * 1024 * 1024 };

static const char *topic(const struct room *room, const char *name)
{
    return text_format(room->arena, "%s.%s", room->config->service.topic_prefix, name).data;
}

enum status saga_consumer_start(struct room *room, struct consumer **consumer_out,
                                struct error *err)
{
    const struct saga_config *config = room->config;
    const struct consumer_config consumer = {
        .settings = config->service.consumer,
        .bus = service_bus_config(&config->service, "saga"),
        .db = room->db,
        .group = SAGA_GROUP,
        .topics = {topic(room, "authorization.v1"), topic(room, "ledger.v1"), NULL},
        .threads = (int)config->threads,
        .batch_max = (int)config->batch_max,
        .arena_size_max = ARENA_SIZE_MAX,
        .context = room,
        .apply = advance_sagas,
    };
    return consumer_start(&consumer, consumer_out, err);
}
