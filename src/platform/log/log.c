/* Lines gather in one half of a double buffer while the other half is being written. Whoever writes
 * holds `writing` for as long as the system call takes; whoever adds a line holds `mutex` for one
 * copy only. Lock order: writing, then mutex. */
#include "platform/log/log.h"

#include "base/assert.h"
#include "platform/clock.h"
#include "platform/log/log_line.h"
#include "platform/worker.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

enum { HALF_SIZE = 128 * 1024, FLUSH_AT_SIZE = 32 * 1024, FLUSH_EVERY_MS = 20 };

struct half {
    size_t size;
    char data[HALF_SIZE];
};

static const char *const LEVELS[] = {"debug", "info", "warning", "error"};

static struct {
    const char *service;
    const char *version;
    enum log_level level;
    enum log_format format;
    struct loop *flusher; /* NULL: not started, every line is written at once */
    pthread_mutex_t writing;
    pthread_mutex_t mutex; /* guards what follows */
    struct half *filling;
    struct half halves[2];
} the_log = {
    .service = "tallystick",
    .version = "",
    .level = LOG_WARNING,
    .format = LOG_TEXT,
    .writing = PTHREAD_MUTEX_INITIALIZER,
    .mutex = PTHREAD_MUTEX_INITIALIZER,
    .filling = &the_log.halves[0],
};

struct log_field kv_text(const char *name, struct text value)
{
    return (struct log_field){.kind = LOG_FIELD_TEXT, .name = name, .text = value};
}

struct log_field kv_str(const char *name, const char *value)
{
    return kv_text(name, text_of(value));
}

struct log_field kv_i64(const char *name, int64_t value)
{
    return (struct log_field){.kind = LOG_FIELD_I64, .name = name, .i64 = value};
}

struct log_field kv_uuid(const char *name, const struct uuid *value)
{
    return (struct log_field){.kind = LOG_FIELD_UUID, .name = name, .uuid = *value};
}

static void write_all(const char *data, size_t size)
{
    while (size > 0) {
        const ssize_t written = write(STDERR_FILENO, data, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return; /* nobody reads: a log must not stop the work */
        data += written;
        size -= (size_t)written;
    }
}

/* Called with `writing` held. */
static void write_filled(void)
{
    pthread_mutex_lock(&the_log.mutex);
    struct half *filled = the_log.filling;
    the_log.filling = filled == &the_log.halves[0] ? &the_log.halves[1] : &the_log.halves[0];
    pthread_mutex_unlock(&the_log.mutex);
    write_all(filled->data, filled->size);
    filled->size = 0; /* before `writing` is given back, so the next swap finds it empty */
}

void log_flush(void)
{
    pthread_mutex_lock(&the_log.writing);
    write_filled();
    pthread_mutex_unlock(&the_log.writing);
}

static int flush_step(void *context)
{
    (void)context;
    log_flush();
    return FLUSH_EVERY_MS;
}

/* The last lines before a bug are the ones that matter; but the thread that failed may hold the
 * locks, then they are lost. */
static void flush_before_abort(void)
{
    if (pthread_mutex_trylock(&the_log.writing) != 0)
        return;
    if (pthread_mutex_trylock(&the_log.mutex) != 0)
        return;
    write_all(the_log.filling->data, the_log.filling->size);
}

void log_start(const char *service, const char *version, enum log_level level,
               enum log_format format)
{
    ASSERT(the_log.flusher == NULL);
    the_log.service = service;
    the_log.version = version;
    the_log.format = format;
    log_set_level(level);
    assert_set_last_words(flush_before_abort);
    the_log.flusher = loop_start("log", flush_step, NULL);
}

void log_stop(void)
{
    struct loop *flusher = the_log.flusher;
    the_log.flusher = NULL;
    loop_stop(flusher);
    log_flush();
}

const char *log_level_name(enum log_level level)
{
    ASSERT((size_t)level < COUNT(LEVELS));
    return LEVELS[level];
}

bool log_level_parse(struct text name, enum log_level *out)
{
    for (size_t at = 0; at < COUNT(LEVELS); at++) {
        if (!text_equals_c(name, LEVELS[at]))
            continue;
        *out = (enum log_level)at;
        return true;
    }
    return false;
}

enum log_level log_level(void)
{
    return __atomic_load_n(&the_log.level, __ATOMIC_RELAXED);
}

void log_set_level(enum log_level level)
{
    __atomic_store_n(&the_log.level, level, __ATOMIC_RELAXED);
}

/* Says how much waits now; 0 when there was no room. */
static size_t add_line(const char *line, size_t size)
{
    pthread_mutex_lock(&the_log.mutex);
    struct half *half = the_log.filling;
    const bool has_room = half->size + size <= sizeof half->data;
    if (has_room) {
        memcpy(half->data + half->size, line, size);
        half->size += size;
    }
    const size_t waiting = has_room ? half->size : 0;
    pthread_mutex_unlock(&the_log.mutex);
    return waiting;
}

void log_write(enum log_level level, const struct trace_context *trace, const char *event,
               const char *message, const struct log_field *fields)
{
    if (level < log_level())
        return;
    static _Thread_local char buffer[LOG_LINE_SIZE_MAX];
    const struct log_line line = {.time_us = clock_realtime_us(),
                                  .level = level,
                                  .service = the_log.service,
                                  .version = the_log.version,
                                  .trace = trace,
                                  .event = event,
                                  .message = message,
                                  .fields = fields};
    const size_t size = the_log.format == LOG_JSON ? log_line_write_json(&line, buffer)
                                                   : log_line_write_text(&line, buffer);
    size_t waiting = 0;
    while ((waiting = add_line(buffer, size)) == 0)
        log_flush();
    if (the_log.flusher == NULL || level == LOG_ERROR || waiting >= FLUSH_AT_SIZE)
        log_flush();
}
