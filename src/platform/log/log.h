/* platform/log/log.h - structured log lines: JSON for machines, text for a terminal.
 *
 * Purpose:   one line is an event name from a fixed vocabulary, a short sentence, the trace it
 *            belongs to, and typed fields. Lines are gathered in memory and written every few
 *            milliseconds, so that a line costs no system call.
 * Units:     times in UTC microseconds.
 * Ownership: everything is copied.
 * Errors:    none: a log that cannot be written is dropped.
 * Threads:   any. */
#ifndef PLATFORM_LOG_LOG_H
#define PLATFORM_LOG_LOG_H

#include "base/error.h"
#include "base/text.h"
#include "base/trace_context.h"
#include "base/uuid.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };
enum log_format { LOG_JSON, LOG_TEXT };

enum log_kind { LOG_FIELD_END, LOG_FIELD_TEXT, LOG_FIELD_I64, LOG_FIELD_UUID };

struct log_field {
    enum log_kind kind;
    const char *name;
    struct text text;
    int64_t i64;
    struct uuid uuid;
};

struct log_field kv_text(const char *name, struct text value);
struct log_field kv_str(const char *name, const char *value);
struct log_field kv_i64(const char *name, int64_t value);
struct log_field kv_uuid(const char *name, const struct uuid *value);

void log_start(const char *service, const char *version, enum log_level level,
               enum log_format format);
void log_stop(void);                      /* writes what is gathered */
void log_flush(void);                     /* writes what is gathered, now */
void log_set_level(enum log_level level); /* from now on, in the whole process */
enum log_level log_level(void);
const char *log_level_name(enum log_level level); /* debug, info ... */
bool log_level_parse(struct text name, enum log_level *out);

/* `trace` may be NULL. */
void log_write(enum log_level level, const struct trace_context *trace, const char *event,
               const char *message, const struct log_field *fields);

#define LOG_FIELDS(...)                                                                            \
    ((const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){.kind = LOG_FIELD_END}})

/* log_info(&trace, "saga.started", "saga started", kv_uuid("saga_id", &id)) */
#define log_debug(trace, event, message, ...)                                                      \
    log_write(LOG_DEBUG, trace, event, message, LOG_FIELDS(__VA_ARGS__))
#define log_info(trace, event, message, ...)                                                       \
    log_write(LOG_INFO, trace, event, message, LOG_FIELDS(__VA_ARGS__))
#define log_warning(trace, event, message, ...)                                                    \
    log_write(LOG_WARNING, trace, event, message, LOG_FIELDS(__VA_ARGS__))
#define log_error(trace, event, message, ...)                                                      \
    log_write(LOG_ERROR, trace, event, message, LOG_FIELDS(__VA_ARGS__))

#endif
