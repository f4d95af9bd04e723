/* platform/tracing/tracing_settings.h - OTEL_*: the standard's variables, read from the
 * environment.
 *
 * Purpose:   where spans go, how they get there, which traces are recorded, who we say we are. One
 *            table of rows names the variables that are read, for code and reference.
 * Units:     milliseconds, counts of spans.
 * Ownership: texts live in the arena given.
 * Errors:    none: a value that means nothing is noted in `ignored`, its default is taken. The
 *            standard asks for that: whoever shares OTEL_* between programs must not stop one.
 * Threads:   at start only. */
#ifndef PLATFORM_TRACING_TRACING_SETTINGS_H
#define PLATFORM_TRACING_TRACING_SETTINGS_H

#include "platform/tracing/sampler.h"

struct arena;

/* clang-format off */
/* X(enumerator, name, default, what it is). Where `OTEL_EXPORTER_OTLP_TRACES_x` is set too, it is
 * stronger than `OTEL_EXPORTER_OTLP_x`. */
#define OTEL_VARIABLE_ROWS(X)                                                                      \
    X(OTEL_ENDPOINT, "OTEL_EXPORTER_OTLP_ENDPOINT", "",                                            \
      "Where the collector listens for OTLP over HTTP, as `http://127.0.0.1:4318`; `/v1/traces` "  \
      "is added. Nothing is recorded or sent while neither this nor the next is set.")             \
    X(OTEL_TRACES_ENDPOINT, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "",                              \
      "The same as a whole URL, nothing is added.")                                                \
    X(OTEL_HEADERS, "OTEL_EXPORTER_OTLP_HEADERS", "",                                              \
      "Headers of every request: `name=value,name=value`, percent-encoded.")                       \
    X(OTEL_COMPRESSION, "OTEL_EXPORTER_OTLP_COMPRESSION", "gzip", "`gzip` or `none`")              \
    X(OTEL_TIMEOUT, "OTEL_EXPORTER_OTLP_TIMEOUT", "10000",                                         \
      "How long one request to the collector may take, in milliseconds.")                          \
    X(OTEL_CERTIFICATE, "OTEL_EXPORTER_OTLP_CERTIFICATE", "",                                      \
      "File with the certificates that vouch for an `https` collector; the system's unless set.")  \
    X(OTEL_PROTOCOL, "OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf", "There is no other here.")    \
    X(OTEL_SERVICE_NAME, "OTEL_SERVICE_NAME", "tallystick-{service}",                              \
      "What all who read it call themselves: set it for one service at a time, if at all.")        \
    X(OTEL_RESOURCE_ATTRIBUTES, "OTEL_RESOURCE_ATTRIBUTES", "",                                    \
      "What is said of every span: `deployment.environment.name=test,...`, percent-encoded.")      \
    X(OTEL_SAMPLER, "OTEL_TRACES_SAMPLER", "parentbased_always_on",                                \
      "`always_on`, `always_off`, `traceidratio`, or `parentbased_` before one of them: where a "  \
      "request comes in with a flag, that decides. Asked where a trace begins or enters; the "     \
      "services behind obey the flag.")                                                            \
    X(OTEL_SAMPLER_ARG, "OTEL_TRACES_SAMPLER_ARG", "1", "The ratio: `0.01` is one in a hundred.")  \
    X(OTEL_EXPORTER, "OTEL_TRACES_EXPORTER", "otlp", "`otlp`, or `none`")                          \
    X(OTEL_SDK_DISABLED, "OTEL_SDK_DISABLED", "false", "`true`: nothing is recorded or sent.")     \
    X(OTEL_QUEUE_SIZE, "OTEL_BSP_MAX_QUEUE_SIZE", "16384",                                         \
      "Spans that may wait to be sent; more are dropped and counted.")                             \
    X(OTEL_BATCH_SIZE, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "2048", "Spans of one request at most.")  \
    X(OTEL_DELAY, "OTEL_BSP_SCHEDULE_DELAY", "1000",                                               \
      "How long a span waits for others before it is sent, in milliseconds.")
/* clang-format on */

#define OTEL_VARIABLE_ENUM(symbol, name, default_value, says) symbol,
enum otel_variable { OTEL_VARIABLE_ROWS(OTEL_VARIABLE_ENUM) OTEL_VARIABLE_COUNT };

struct otel_variable_row {
    const char *name;
    const char *default_value;
    const char *says;
};
extern const struct otel_variable_row OTEL_VARIABLES[OTEL_VARIABLE_COUNT];

enum { OTEL_PAIRS_MAX = 64, OTEL_IGNORED_MAX = 16 };

struct otel_pair {
    const char *name;
    const char *value;
};

/* A variable whose value means nothing here. */
struct otel_ignored {
    const char *variable;
    const char *why;
};

struct tracing_settings {
    const char *url; /* of the receiver; NULL: nothing is recorded */
    struct otel_pair headers[OTEL_PAIRS_MAX];
    size_t header_count;
    bool uses_gzip;
    int64_t timeout_ms;
    const char *certificate_file; /* NULL: the system's */
    struct otel_pair resource[OTEL_PAIRS_MAX];
    size_t resource_count;
    struct sampler sampler;
    int64_t queue_size_max;
    int64_t batch_size_max;
    int64_t delay_ms;
    struct otel_ignored ignored[OTEL_IGNORED_MAX];
    size_t ignored_count;
};

void tracing_settings_read(struct arena *arena, const char *service,
                           struct tracing_settings *settings_out);

/* `a=b,c=d` with percent-encoded values, blanks around them; the first value of a name counts.
 * False: it is none, and nothing of it may be used. */
bool otel_pairs_parse(struct arena *arena, struct text list, struct otel_pair *pairs,
                      size_t *count);

#endif
