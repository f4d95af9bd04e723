/* operator/deed.h - what every deed of an operator says of itself, for the audit.
 *
 * Purpose:   who does it, on whose behalf, why, and under which id: a command is one deed, however
 *            many things it is done to. Deeds that give something up must say why.
 * Units:     none.
 * Ownership: texts live in the arena given.
 * Errors:    a usage that is wrong is complained about, with its exit code.
 * Threads:   one. */
#ifndef OPERATOR_DEED_H
#define OPERATOR_DEED_H

#include "platform/postgres/postgres.h"

struct arena;
struct table;
struct tool;

struct deed_words {
    struct uuid id;
    struct text os_user; /* whom the tool runs as */
    struct text by;      /* on whose behalf; TEXT_NONE: its own */
    struct text reason;  /* may be empty where that is allowed */
};

/* `reason` and `by` as they were given, or NULL. TOOL_DONE, or it has complained. */
int deed_begin(const struct tool *tool, struct arena *arena, const char *reason, const char *by,
               struct deed_words *words_out);
/* Likewise, for deeds that must say why. */
int deed_begin_with_reason(const struct tool *tool, struct arena *arena, const char *reason,
                           const char *by, struct deed_words *words_out);

/* The rows of list_deeds.sql, for people and programs. */
void deed_read_rows(struct arena *arena, struct sql_rows rows, struct table *deeds);

/* Parameters of a function that does a deed: deed_id, os_user, by, reason. */
void deed_add(const struct deed_words *words, struct sql_args *args);

#endif
