/* reference_http.h - HTTP/1.1 requests as RFC 9112 writes them, read once more by another hand.
 *
 * It has the whole stream before it, knows no connection and takes no care of speed. What the
 * system accepts, this must accept too, and find the same in it. */
#ifndef TESTS_FUZZ_REFERENCE_HTTP_H
#define TESTS_FUZZ_REFERENCE_HTTP_H

#include "base/text.h"

enum { REFERENCE_FIELDS_MAX = 64 };

struct reference_request {
    struct text method;
    struct text target;
    bool keeps_alive;
    int field_count;
    struct text names[REFERENCE_FIELDS_MAX];
    struct text values[REFERENCE_FIELDS_MAX];
    struct text body; /* joined, where it came in chunks */
    size_t size;      /* bytes of the stream up to its end */
};

/* False: there is no whole, well-formed request at the front of `stream`. */
bool reference_http_read(struct arena *arena, struct text stream,
                         struct reference_request *request_out);

#endif
