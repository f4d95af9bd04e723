/* gateway/fields.h - which fields of a body are refused, gathered into one problem.
 *
 * Purpose:   the bodies that only the door reads (accounts, batches, voids) name every field that
 *            is wrong at once, as those of /authorize do.
 * Units:     none.
 * Ownership: everything lives in the arena.
 * Errors:    422 validation_failed.
 * Threads:   values. */
#ifndef GATEWAY_FIELDS_H
#define GATEWAY_FIELDS_H

#include "base/problem.h"

struct arena;

struct field_errors {
    struct arena *arena;
    enum problem_code code; /* of the first; PROBLEM_NONE: nothing is wrong */
    struct problem_error errors[PROBLEM_ERRORS_MAX]; /* more are left out */
    size_t count;
};

/* `pointer` (RFC 6901), `code` and `detail` are borrowed. */
void fields_refuse(struct field_errors *fields, const char *pointer, const char *code,
                   const char *detail);
/* The same for a code of its own: amount_precision and its like. */
void fields_refuse_as(struct field_errors *fields, enum problem_code problem, const char *pointer,
                      const char *detail);
void fields_refuse_unknown(struct field_errors *fields, struct text name);

/* There must be something wrong. */
struct problem fields_problem(const struct field_errors *fields);

#endif
