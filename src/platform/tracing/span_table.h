/* platform/tracing/span_table.h - every span that Tallystick makes, and every attribute of them.
 *
 * Purpose:   two tables of rows give the enumerators, the names on the wire, and
 *            docs/reference/traces.md. Names without `tallystick.` are those of OpenTelemetry's
 *            semantic conventions. There is none for who holds an account, what they are called
 *            or what they buy: such a thing has no place in a span.
 * Units:     as each row says.
 * Ownership: constants.
 * Errors:    none.
 * Threads:   constants. */
#ifndef PLATFORM_TRACING_SPAN_TABLE_H
#define PLATFORM_TRACING_SPAN_TABLE_H

/* The numbers of the protocol. */
enum span_kind { SPAN_INTERNAL = 1, SPAN_SERVER, SPAN_CLIENT, SPAN_PRODUCER, SPAN_CONSUMER };

/* X(enumerator, kind, word that its name begins with, the name as documented, from, what it is)
 * An empty word: whoever records it says it (struct span, `word`). */
/* clang-format off */
#define SPAN_ROWS(X)                                                                               \
    X(SPAN_DOOR, SERVER, "", "`{method} {route}`", "every HTTP door",                              \
      "A request, from its first byte to its answer.")                                             \
    X(SPAN_ASK, CLIENT, "", "`authorize`, `void`, `put_account`", "gateway",                       \
      "One item on its way to the authorization service and back, waiting in the gateway's queue " \
      "included.")                                                                                 \
    X(SPAN_CALL, CLIENT, "", "`{method}`, `{method} {path}`", "gateway",                           \
      "An HTTP call of another service; one that carries many items is one span, below the first " \
      "and linked to the others.")                                                                 \
    X(SPAN_DECIDE, SERVER, "", "`authorize`, `void`, `put_account`", "authorization",              \
      "One item, from the arrival of the request that brought it until its decision is "           \
      "committed.")                                                                                \
    X(SPAN_EXPIRE, INTERNAL, "expire", "`expire`", "authorization",                                \
      "A hold given back because its time was over; goes on in the authorization's own trace.")    \
    X(SPAN_SQL, CLIENT, "", "`load {schema}`, `save {schema}`, `{statement} {schema}`",            \
      "authorization, ledger, saga",                                                               \
      "A round trip to PostgreSQL of one or several statements; that of a batch is one span, "     \
      "below the first item and linked to the others.")                                            \
    X(SPAN_SEND, PRODUCER, "send", "`send {topic}`", "outbox",                                     \
      "An event or command on its way to the bus. Its id is the end of the event's, however "      \
      "often it is sent; the message carries it. A failed try is one of its own, told once.")      \
    X(SPAN_PROCESS, CONSUMER, "process", "`process {topic}`", "authorization, ledger, saga",       \
      "A message, from the poll that brought it until its effect is committed; each try of one "   \
      "that was parked or redriven is another. Below its sending and linked to it; of what was "   \
      "redriven linked to the redrive, too.")                                                      \
    X(SPAN_SAGA, INTERNAL, "",                                                                     \
      "`repeat {saga}`, `give up {saga}`, `resume {saga}`, `retry {saga}`, ...", "saga",           \
      "What a saga does without a message of its own: no answer came, the saga that it waited "    \
      "for has ended, an operator wants it. Below what it did last, linked to the request, to "    \
      "that saga or to the operator's command.")                                                   \
    X(SPAN_NOTIFY, PRODUCER, "send", "`send {topic of SNS}`", "outbox",                            \
      "A notification; its attribute `traceparent` is this span.")                                 \
    X(SPAN_REDRIVE, INTERNAL, "redrive", "`redrive`", "tallystick dlq",                            \
      "One `dlq redrive`, linked to the last tries of what it has put back.")                      \
    X(SPAN_COMMAND, CLIENT, "put_account", "`put_account`, `saga retry`, ...",                     \
      "tallystick account, tallystick saga",                                                       \
      "What an operator's command asked a service.")

/* X(enumerator, name, what it says) */
#define SPAN_ATTRIBUTE_ROWS(X)                                                                     \
    X(ATTRIBUTE_ERROR_TYPE, "error.type", "Why the span's status is error; absent otherwise.")     \
    X(ATTRIBUTE_HTTP_REQUEST_METHOD, "http.request.method", "`POST`")                              \
    X(ATTRIBUTE_HTTP_ROUTE, "http.route", "`/v1/authorizations/{id}`")                             \
    X(ATTRIBUTE_HTTP_RESPONSE_STATUS_CODE, "http.response.status_code", "`201`")                   \
    X(ATTRIBUTE_HTTP_REQUEST_RESEND_COUNT, "http.request.resend_count",                            \
      "How often it was asked again because an answer got lost.")                                  \
    X(ATTRIBUTE_URL_SCHEME, "url.scheme", "`http`")                                                \
    X(ATTRIBUTE_URL_PATH, "url.path",                                                              \
      "The path, with `{user_id}` in the place of a user's id.")                                   \
    X(ATTRIBUTE_SERVER_ADDRESS, "server.address", "Host that was called.")                         \
    X(ATTRIBUTE_SERVER_PORT, "server.port", "Port that was called.")                               \
    X(ATTRIBUTE_DB_SYSTEM_NAME, "db.system.name", "`postgresql`")                                  \
    X(ATTRIBUTE_DB_NAMESPACE, "db.namespace", "Database and schema: `tallystick\\|ledger`.")       \
    X(ATTRIBUTE_DB_OPERATION_NAME, "db.operation.name", "`load`, `save`, or the statement's name") \
    X(ATTRIBUTE_DB_OPERATION_BATCH_SIZE, "db.operation.batch.size",                                \
      "Statements in the round trip, where there are several.")                                    \
    X(ATTRIBUTE_DB_QUERY_SUMMARY, "db.query.summary", "The statements' names, as in `sql/`.")      \
    X(ATTRIBUTE_DB_RESPONSE_STATUS_CODE, "db.response.status_code", "SQLSTATE of an error.")       \
    X(ATTRIBUTE_MESSAGING_SYSTEM, "messaging.system",                                              \
      "`postgresql`, `kafka`, `aws.sns` of what is sent and `aws_sqs` of what is processed")       \
    X(ATTRIBUTE_MESSAGING_OPERATION_NAME, "messaging.operation.name", "`send`, `process`")         \
    X(ATTRIBUTE_MESSAGING_OPERATION_TYPE, "messaging.operation.type", "The same.")                 \
    X(ATTRIBUTE_MESSAGING_DESTINATION_NAME, "messaging.destination.name", "The topic.")            \
    X(ATTRIBUTE_MESSAGING_DESTINATION_PARTITION_ID, "messaging.destination.partition.id",          \
      "Where it was read, if the bus has partitions.")                                             \
    X(ATTRIBUTE_MESSAGING_KAFKA_OFFSET, "messaging.kafka.offset", "Where in it, on Kafka.")        \
    X(ATTRIBUTE_MESSAGING_MESSAGE_ID, "messaging.message.id", "The event's id, `ce_id`.")          \
    X(ATTRIBUTE_MESSAGING_CONSUMER_GROUP_NAME, "messaging.consumer.group.name",                    \
      "Who processes it: `ledger`.")                                                               \
    X(ATTRIBUTE_MESSAGING_BATCH_MESSAGE_COUNT, "messaging.batch.message_count",                    \
      "Messages that were handled together with this one, itself included, where there are more.") \
    X(ATTRIBUTE_MESSAGE_TYPE, "tallystick.message.type", "`ledger.record_hold`")                   \
    X(ATTRIBUTE_MESSAGE_OUTCOME, "tallystick.message.outcome",                                     \
      "`applied`; `ignored`: it changes nothing; `duplicate`: it had its effect before; "          \
      "`parked`: it will be tried again; `waits` behind another of its key; `dead`: a dead "       \
      "letter.")                                                                                   \
    X(ATTRIBUTE_MESSAGE_TRIES, "tallystick.message.tries",                                         \
      "Which try this is, from the second on.")                                                    \
    X(ATTRIBUTE_ERROR_CLASS, "tallystick.error.class",                                             \
      "Of what is parked or dead: `schema`, `business`, `transient_exhausted`, `bug`.")            \
    X(ATTRIBUTE_SAGA_ID, "tallystick.saga.id", "The saga.")                                        \
    X(ATTRIBUTE_SAGA_TYPE, "tallystick.saga.type", "`authorize`, `release`")                       \
    X(ATTRIBUTE_SAGA_STATE, "tallystick.saga.state", "Where it stood then: `completed`.")          \
    X(ATTRIBUTE_SAGA_STEP, "tallystick.saga.step", "`record_hold`")                                \
    X(ATTRIBUTE_SAGA_TRIES, "tallystick.saga.tries", "Sendings of the step's command.")            \
    X(ATTRIBUTE_SAGA_REASON, "tallystick.saga.reason", "`account_frozen`, `no_answer`, `voided`")  \
    X(ATTRIBUTE_LEDGER_OUTCOME, "tallystick.ledger.outcome", "`recorded`, `released`, `refused`")  \
    X(ATTRIBUTE_LEDGER_REASON, "tallystick.ledger.reason", "Why it refused.")                      \
    X(ATTRIBUTE_JOURNAL_ID, "tallystick.journal.id", "The journal that was written.")              \
    X(ATTRIBUTE_JOURNAL_TYPE, "tallystick.journal.type", "`record_hold`, `release_hold`")          \
    X(ATTRIBUTE_REDRIVE_ID, "tallystick.redrive.id", "The redrive, as in the audit.")              \
    X(ATTRIBUTE_REDRIVE_COUNT, "tallystick.redrive.count", "Dead letters that it has put back.")   \
    X(ATTRIBUTE_AUTHORIZATION_ID, "tallystick.authorization.id", "The authorization.")             \
    X(ATTRIBUTE_DECISION, "tallystick.decision", "`approved` or `declined`")                       \
    X(ATTRIBUTE_DECISION_REASON, "tallystick.decision.reason", "`credit_limit_exceeded`")          \
    X(ATTRIBUTE_REPLAYED, "tallystick.replayed", "True: the answer of an earlier request.")        \
    X(ATTRIBUTE_PROBLEM_CODE, "tallystick.problem.code", "Why it was refused: `invalid_state`.")   \
    X(ATTRIBUTE_BOOKING, "tallystick.booking",                                                     \
      "Where the client waited for it: `completed`, `reversed`, `pending`.")                       \
    X(ATTRIBUTE_REQUEST_ID, "tallystick.request.id", "The request, as in its logs.")               \
    X(ATTRIBUTE_BATCH_SIZE, "tallystick.batch.size",                                               \
      "Items that were handled together with this one, itself included.")
/* clang-format on */

#define SPAN_TYPE_ENUM(symbol, kind, word, name, from, says) symbol,
enum span_type { SPAN_ROWS(SPAN_TYPE_ENUM) SPAN_TYPE_COUNT };

#define SPAN_ATTRIBUTE_ENUM(symbol, name, says) symbol,
enum span_attribute_key {
    ATTRIBUTE_NONE,
    SPAN_ATTRIBUTE_ROWS(SPAN_ATTRIBUTE_ENUM) ATTRIBUTE_COUNT
};

struct span_type_row {
    enum span_kind kind;
    const char *word;
    const char *name;
    const char *from;
    const char *says;
};

struct span_attribute_row {
    const char *name;
    const char *says;
};

extern const struct span_type_row SPAN_TYPES[SPAN_TYPE_COUNT];
extern const struct span_attribute_row SPAN_ATTRIBUTES[ATTRIBUTE_COUNT];

struct text_builder;

/* docs/reference/traces.md */
void span_table_write_reference(struct text_builder *out);

#endif
