/* platform/log/log_line.h - how one log line looks: JSON, or text for a terminal.
 *
 * Purpose:   the rendering behind platform/log/log.h. Card numbers in texts are masked but for the
 *            last four digits (card_mask.h).
 * Units:     sizes in bytes, times in UTC microseconds.
 * Ownership: the caller's buffer.
 * Errors:    what does not fit is left out and the line says so (`truncated`).
 * Threads:   values. */
#ifndef PLATFORM_LOG_LOG_LINE_H
#define PLATFORM_LOG_LOG_LINE_H

#include "platform/log/log.h"

enum { LOG_LINE_SIZE_MAX = 8192 };

struct log_line {
    int64_t time_us;
    enum log_level level;
    const char *service;
    const char *version;
    const struct trace_context *trace; /* may be NULL */
    const char *event;
    const char *message;
    const struct log_field *fields; /* ends with LOG_FIELD_END */
};

/* Both return the line's size with its line break; no NUL is written. */
size_t log_line_write_json(const struct log_line *line, char out[static LOG_LINE_SIZE_MAX]);
size_t log_line_write_text(const struct log_line *line, char out[static LOG_LINE_SIZE_MAX]);

#endif
