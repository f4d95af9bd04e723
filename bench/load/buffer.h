/* load/buffer.h - bytes that grow.
 *
 * Units:     bytes; `data` always ends with a NUL that does not count.
 * Ownership: the struct owns its bytes for as long as the program runs.
 * Errors:    out of memory ends the program.
 * Threads:   the driver has one. */
#ifndef LOAD_BUFFER_H
#define LOAD_BUFFER_H

#include <stddef.h>

struct buffer {
    char *data;
    size_t size, capacity;
};

void buffer_add(struct buffer *buffer, const void *data, size_t size);
void buffer_add_text(struct buffer *buffer, const char *text);
void buffer_clear(struct buffer *buffer);

/* Says what is wrong and ends the program with exit code 2. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
