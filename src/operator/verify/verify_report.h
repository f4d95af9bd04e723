/* operator/verify/verify_report.h - what verify found, for people and for programs.
 *
 * Purpose:   a table of the invariants with the first rows that break one, or the same as JSON; and
 *            a progress bar while it is being found.
 * Units:     counts of rows.
 * Ownership: findings and their rows live in the arena.
 * Errors:    none.
 * Threads:   one. */
#ifndef OPERATOR_VERIFY_VERIFY_REPORT_H
#define OPERATOR_VERIFY_VERIFY_REPORT_H

#include "base/text.h"

struct arena;

enum { VERIFY_ROWS_SHOWN = 5, VERIFY_ROWS_COUNTED = 1000 };

struct verify_row {
    struct text what;
    struct text id;
    struct text detail;
};

struct verify_finding {
    const char *name;
    const char *promise;
    int violations; /* above VERIFY_ROWS_COUNTED: at least so many */
    int shown;
    struct verify_row rows[VERIFY_ROWS_SHOWN];
};

struct verify_report {
    struct arena *arena;
    struct verify_finding *findings;
    size_t count;
    int64_t open_sagas;
    int64_t stuck_sagas;
    int64_t parked_messages;
    int64_t dead_letters;    /* open ones */
    int64_t abandoned_sagas; /* given up by operators: nothing is expected of them */
    int64_t discarded;       /* dead letters, likewise */
};

/* `format`: table or json. To stdout. */
void verify_report_print(const struct verify_report *report, const char *format);

/* On a terminal: a bar on stderr, drawn over itself. Ends with done == total. */
void verify_progress(size_t done, size_t total, const char *name);

#endif
