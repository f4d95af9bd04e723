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
    X(SPAN_COMMAND, CLIENT, "", "`PUT`", "tallystick account",                                     \
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
    X(ATTRIBUTE_DB_NAMESPACE, "db.namespace", "Database and schema: `tallystick|ledger`.")         \
    X(ATTRIBUTE_DB_OPERATION_NAME, "db.operation.name", "`load`, `save`, or the statement's name") \
    X(ATTRIBUTE_DB_OPERATION_BATCH_SIZE, "db.operation.batch.size",                                \
      "Statements in the round trip, where there are several.")                                    \
    X(ATTRIBUTE_DB_QUERY_SUMMARY, "db.query.summary", "The statements' names, as in `sql/`.")      \
    X(ATTRIBUTE_DB_RESPONSE_STATUS_CODE, "db.response.status_code", "SQLSTATE of an error.")       \
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
