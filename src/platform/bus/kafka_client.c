#include "platform/bus/kafka_client.h"

#include "base/assert.h"
#include "platform/log/log.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

enum { ERROR_SIZE = 256, NAME_SIZE_MAX = 250, STOP_WAIT_S = 8, FIRST_WORD_MS = 3000 };

/* ---- configuration ------------------------------------------------------------------------- */

struct property {
    const char *name;
    const char *value;
};

/* What the promises rest on. */
static const struct property PUBLISHER_PROMISES[] = {
    {"acks", "all"},
    {"enable.idempotence", "true"},       /* retries neither repeat nor reorder */
    {"enable.gapless.guarantee", "true"}, /* nothing overtakes a message that is refused */
    {"message.timeout.ms", "0"},          /* never by itself: deadlines are the publisher's */
    {"partitioner", "murmur2_random"},    /* that of Kafka's own client: others can agree with us */
    {"delivery.report.only.error", "false"},
};

static const struct property CONSUMER_PROMISES[] = {
    {"enable.auto.commit", "false"}, /* progress follows the effect */
    {"enable.auto.offset.store", "false"},
    {"auto.offset.reset", "earliest"},
    {"partition.assignment.strategy", "range"}, /* 2.0.2 has faults with cooperative-sticky */
    {"enable.partition.eof", "false"},
    {"allow.auto.create.topics", "false"},
    {"check.crcs", "true"},
};

/* Names that stand for one of the above, or that are options of their own. */
static const char *const OTHER_GUARDED[] = {
    "bootstrap.servers",
    "client.id",
    "delivery.timeout.ms",
    "group.id",
    "group.instance.id",
    "max.in.flight",
    "max.in.flight.requests.per.connection",
    "message.send.max.retries",
    "metadata.broker.list",
    "request.required.acks",
    "retries",
    "transactional.id",
};

static const struct property COMMON_DEFAULTS[] = {
    {"socket.timeout.ms", "10000"}, /* a connection that says nothing is replaced after it */
    {"socket.keepalive.enable", "true"}, {"socket.nagle.disable", "true"},
    {"reconnect.backoff.ms", "50"},      {"reconnect.backoff.max.ms", "1000"},
    {"log.connection.close", "false"},
};

/* A publish is flushed at once: lingering only lets a batch that is being handed over gather. */
static const struct property PUBLISHER_DEFAULTS[] = {
    {"linger.ms", "5"},
};

/* A fetch is answered as soon as there is a message; the wait bounds how long one that knows
 * nothing of a new partition may stand in the way. Little is fetched ahead: a rebalance throws it
 * away. Whoever takes the place of a member that was killed waits until the group has missed it: as
 * short as brokers allow unless they are told otherwise. */
static const struct property CONSUMER_DEFAULTS[] = {
    {"fetch.wait.max.ms", "100"},      {"fetch.error.backoff.ms", "100"},
    {"queued.min.messages", "2000"},   {"queued.max.messages.kbytes", "16384"},
    {"session.timeout.ms", "6000"},    {"heartbeat.interval.ms", "1000"},
    {"max.poll.interval.ms", "60000"},
};

static enum status set_property(rd_kafka_conf_t *conf, const char *name, const char *value,
                                struct error *err)
{
    char text[ERROR_SIZE];
    if (rd_kafka_conf_set(conf, name, value, text, sizeof text) != RD_KAFKA_CONF_OK)
        return error_set(err, ERR_INVALID, "kafka-properties, '%s': %s", name, text);
    return OK;
}

static enum status set_table(rd_kafka_conf_t *conf, const struct property *table, size_t count,
                             struct error *err)
{
    for (size_t at = 0; at < count; at++)
        TRY(set_property(conf, table[at].name, table[at].value, err));
    return OK;
}

static bool is_in_table(const struct property *table, size_t count, const char *name)
{
    for (size_t at = 0; at < count; at++)
        if (strcmp(table[at].name, name) == 0)
            return true;
    return false;
}

static bool is_guarded(const char *name)
{
    for (size_t at = 0; at < COUNT(OTHER_GUARDED); at++)
        if (strcmp(OTHER_GUARDED[at], name) == 0)
            return true;
    return is_in_table(PUBLISHER_PROMISES, COUNT(PUBLISHER_PROMISES), name) ||
           is_in_table(CONSUMER_PROMISES, COUNT(CONSUMER_PROMISES), name);
}

/* One line of kafka-properties: name=value, or a comment. Values are secrets: none is told. */
static enum status set_line(rd_kafka_conf_t *conf, struct text line, struct error *err)
{
    char name[NAME_SIZE_MAX], value[4096];
    if (line.size == 0 || line.data[0] == '#')
        return OK;
    struct text rest = line;
    const struct text left = text_trim(text_cut(&rest, '='));
    if (text_is_none(rest) || left.size == 0 || left.size >= sizeof name)
        return error_set(err, ERR_INVALID, "kafka-properties: each line must be name=value");
    const struct text right = text_trim(rest);
    if (right.size >= sizeof value)
        return error_set(err, ERR_INVALID, "kafka-properties: the value of '%.*s' is too long",
                         TEXT_ARGS(left));
    snprintf(name, sizeof name, "%.*s", TEXT_ARGS(left));
    snprintf(value, sizeof value, "%.*s", TEXT_ARGS(right));
    if (is_guarded(name))
        return error_set(err, ERR_INVALID,
                         "kafka-properties: '%s' is not to be changed, the bus relies on it", name);
    return set_property(conf, name, value, err);
}

static enum status set_lines(rd_kafka_conf_t *conf, const char *lines, struct error *err)
{
    struct text rest = text_of(lines);
    while (!text_is_none(rest)) {
        struct text line = text_cut(&rest, '\n');
        if (line.size > 0 && line.data[line.size - 1] == '\r')
            line.size--;
        TRY(set_line(conf, text_trim(line), err));
    }
    return OK;
}

static enum status set_all(rd_kafka_conf_t *conf, const struct bus_config *config,
                           rd_kafka_type_t type, struct error *err)
{
    char client_id[NAME_SIZE_MAX];
    snprintf(client_id, sizeof client_id, "tallystick-%s", config->service);
    TRY(set_property(conf, "bootstrap.servers", config->settings.kafka_brokers, err));
    TRY(set_property(conf, "client.id", client_id, err));
    TRY(set_table(conf, COMMON_DEFAULTS, COUNT(COMMON_DEFAULTS), err));
    if (type == RD_KAFKA_PRODUCER) {
        TRY(set_table(conf, PUBLISHER_DEFAULTS, COUNT(PUBLISHER_DEFAULTS), err));
        TRY(set_table(conf, PUBLISHER_PROMISES, COUNT(PUBLISHER_PROMISES), err));
    } else {
        TRY(set_table(conf, CONSUMER_DEFAULTS, COUNT(CONSUMER_DEFAULTS), err));
        TRY(set_table(conf, CONSUMER_PROMISES, COUNT(CONSUMER_PROMISES), err));
    }
    return set_lines(conf, config->settings.kafka_properties, err);
}

/* ---- what the library tells ---------------------------------------------------------------- */

/* Whoever uses the bus logs what fails, once and with its consequence; this is for looking closer.
 */
static void log_line(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)level;
    log_debug(NULL, "kafka.client", text, kv_str("client", rd_kafka_name(rk)),
              kv_str("facility", facility));
}

static void note_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    struct kafka_client *client = opaque;
    (void)rk;
    client->is_in_doubt = true;
    if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) /* only counts brokers: others say why */
        snprintf(client->trouble, sizeof client->trouble, "%s", reason);
}

enum status kafka_client_is_down(const struct kafka_client *client, struct error *err)
{
    return error_set(err, ERR_DOWN, "Kafka at '%s' cannot be reached%s%s",
                     client->config.settings.kafka_brokers, client->trouble[0] == '\0' ? "" : ": ",
                     client->trouble);
}

/* ---- start, stop, a sign of life ----------------------------------------------------------- */

enum status kafka_make_conf(const struct bus_config *config, rd_kafka_type_t type,
                            rd_kafka_conf_t **conf_out, struct error *err)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    const enum status status = set_all(conf, config, type, err);
    if (status != OK) {
        rd_kafka_conf_destroy(conf);
        return status;
    }
    rd_kafka_conf_set_log_cb(conf, log_line);
    rd_kafka_conf_set_error_cb(conf, note_error);
    *conf_out = conf;
    return OK;
}

enum status kafka_client_start(struct kafka_client *client, rd_kafka_type_t type,
                               rd_kafka_conf_t *conf, struct error *err)
{
    char text[ERROR_SIZE];
    ASSERT(client->rk == NULL);
    client->is_in_doubt = true; /* until it has been heard of */
    client->trouble[0] = '\0';
    rd_kafka_conf_set_opaque(conf, client);
    client->rk = rd_kafka_new(type, conf, text, sizeof text);
    if (client->rk == NULL) {
        rd_kafka_conf_destroy(conf);
        return error_set(err, ERR_INVALID, "the Kafka client cannot start: %s", text);
    }
    return OK;
}

static void *destroy(void *rk)
{
    rd_kafka_destroy(rk); /* a consumer leaves its group first */
    return NULL;
}

static void *destroy_at_once(void *rk)
{
    rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    return NULL;
}

/* The library waits for its threads, one of which may wait for a name server, and a consumer for
 * its group's coordinator. Rather than wait for ever, a stop leaves them behind. */
bool kafka_client_stop(struct kafka_client *client, bool leave)
{
    struct timespec until;
    pthread_t thread;
    if (client->rk == NULL)
        return true;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += STOP_WAIT_S;
    const int failed = pthread_create(&thread, NULL, leave ? destroy : destroy_at_once, client->rk);
    ASSERT(failed == 0);
    const bool has_ended = pthread_timedjoin_np(thread, NULL, &until) == 0;
    client->rk = NULL;
    if (has_ended)
        return true;
    log_warning(NULL, "kafka.left_behind", "the Kafka client does not end, it is left behind",
                kv_str("brokers", client->config.settings.kafka_brokers));
    pthread_detach(thread);
    return false;
}

static bool is_answered(struct kafka_client *client, int wait_ms)
{
    const struct rd_kafka_metadata *metadata = NULL;
    const rd_kafka_resp_err_t code = rd_kafka_metadata(client->rk, 0, NULL, &metadata, wait_ms);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_metadata_destroy(metadata);
    rd_kafka_poll(client->rk, 0); /* what has gone wrong meanwhile */
    return code == RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* A first connection may take its time; "cannot be reached" without a reason helps nobody. */
enum status kafka_client_reach(struct kafka_client *client, int wait_ms, struct error *err)
{
    rd_kafka_poll(client->rk, 0);
    if (!client->is_in_doubt)
        return OK;
    bool is_there = is_answered(client, wait_ms);
    if (!is_there && client->trouble[0] == '\0')
        is_there = is_answered(client, FIRST_WORD_MS);
    if (!is_there)
        return kafka_client_is_down(client, err);
    client->is_in_doubt = false;
    client->trouble[0] = '\0';
    return OK;
}
