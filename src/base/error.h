/* base/error.h - how a failure of the outside world travels to the one who can act on it.
 *
 * Purpose:   a status says what to do, a caller-owned struct error says what happened. A business
 *            "no" is a value (see domain/), a bug is an ASSERT; neither is an error.
 * Units:     none.
 * Ownership: the caller owns the struct error; the text is copied into it.
 * Errors:    outputs (`_out`) are written only on OK, `err` only on failure.
 * Threads:   a struct error belongs to one thread. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>

#define MUST_CHECK __attribute__((warn_unused_result))

enum status {
    OK,
    ERR_INVALID,   /* the input is wrong; the same again fails again              */
    ERR_NOT_FOUND, /* what was asked for does not exist                           */
    ERR_CONFLICT,  /* somebody else won a race (unique key, deadlock): run again  */
    ERR_FULL,      /* a bound was reached: queue, arena, body                     */
    ERR_TIMEOUT,   /* a deadline passed; the outcome may be unknown               */
    ERR_DOWN,      /* the other side cannot be reached; nothing was done          */
    ERR_UNKNOWN,   /* the connection broke in a commit: run again under same ids  */
    ERR_BROKEN,    /* anything else: somebody should look                         */
};

struct error {
    enum status status;
    const char *where; /* __func__ of the one who set it */
    char message[256];
};

/* Fills *err and returns `status`, so that `return error_set(...)` reads as one step. `err` may be
 * NULL when nobody wants the text. The message: lower case, no full stop, values in single quotes,
 * no secrets. */
enum status error_set_at(struct error *err, const char *where, enum status status,
                         const char *format, ...) __attribute__((format(printf, 4, 5)));

#define error_set(err, status, ...) error_set_at((err), __func__, (status), __VA_ARGS__)

const char *status_name(enum status status);

/* The only macro that hides a return. Safe because nothing is freed by hand (arenas, AUTO_*). */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        const enum status try_status_ = (call);                                                    \
        if (try_status_ != OK)                                                                     \
            return try_status_;                                                                    \
    } while (0)

#endif
