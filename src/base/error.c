#include "base/error.h"

#include "base/assert.h"

#include <stdarg.h>
#include <stdio.h>

enum status error_set_at(struct error *err, const char *where, enum status status,
                         const char *format, ...)
{
    ASSERT(status != OK);
    if (err == NULL)
        return status;
    err->status = status;
    err->where = where;
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    return status;
}

const char *status_name(enum status status)
{
    switch (status) {
    case OK:
        return "ok";
    case ERR_INVALID:
        return "invalid";
    case ERR_NOT_FOUND:
        return "not_found";
    case ERR_CONFLICT:
        return "conflict";
    case ERR_FULL:
        return "full";
    case ERR_TIMEOUT:
        return "timeout";
    case ERR_DOWN:
        return "down";
    case ERR_UNKNOWN:
        return "unknown";
    case ERR_BROKEN:
        return "broken";
    }
    UNREACHABLE();
}
