/* operator/dead_letters/dead_letters.h - tallystick dlq: inside of the command.
 *
 * Purpose:   what its verbs share: the options, and the question which letters are meant.
 * Units:     times in microseconds since 1970.
 * Ownership: everything lives in the arena of the command.
 * Errors:    those of the round trips; the verbs give exit codes.
 * Threads:   one. */
#ifndef OPERATOR_DEAD_LETTERS_DEAD_LETTERS_H
#define OPERATOR_DEAD_LETTERS_DEAD_LETTERS_H

#include "operator/deed.h"
#include "operator/tool.h"

struct dead_letters_config {
    const char *database_url;
    const char *output;
    const char *group;
    const char *class;
    const char *code;
    const char *type;
    const char *key;
    const char *user;
    const char *since;
    const char *until;
    const char *state;
    const char *cursor;
    const char *reason;
    const char *by;
    int64_t limit; /* 0: as the verb likes */
    int64_t rate;
    bool all;
    bool dry_run;
    bool force;
};

enum {
    DEAD_LETTERS_MAX = 100000, /* of one deed */
};

/* Which letters, and in which order. What is none or 0 asks for nothing. */
struct letter_question {
    struct text group;
    struct text class;
    struct text code;
    struct text type; /* a ce_type */
    const struct uuid *key;
    int64_t since_us;
    int64_t until_us;
    struct text state;      /* open, redriven, discarded; TEXT_NONE: any */
    const struct uuid *ids; /* of letters, or of their events */
    size_t id_count;
    const struct uuid *after;
    bool in_bus_order;
    int64_t count_max;
};

struct dead_letters {
    const struct dead_letters_config *config;
    const struct tool *tool;
    struct arena *arena;
    struct db *db; /* the operator's, over all schemas */
};

/* The rows are of list_dead_letters.sql and stay until the db is asked again. */
MUST_CHECK enum status dead_letters_find(const struct dead_letters *letters,
                                         const struct letter_question *question,
                                         struct sql_rows *rows_out, struct error *err);

/* Those that a deed is about, in the order of the bus: open ones, or those that are named, whatever
 * their state. Whoever mistypes an id wants to know before anything is done: ERR_NOT_FOUND. */
MUST_CHECK enum status dead_letters_find_all(const struct dead_letters *letters,
                                             const struct letter_question *given,
                                             struct sql_rows *rows_out, struct error *err);

/* What a deed prints: a line for each letter. */
void dead_letters_init_lines(const struct dead_letters *letters, struct table *table);
void dead_letters_add_line(const struct dead_letters *letters, struct table *table,
                           struct sql_rows rows, int row, struct text outcome);

/* Each of the words is an id. False: `*bad_out` is none. */
bool dead_letters_read_ids(struct arena *arena, char *const *words, size_t count,
                           const struct uuid **ids_out, const char **bad_out);

/* authorization.approved; a message without a type of ours has its own, or none. */
struct text dead_letters_type(struct text ce_type);

/* dlq show ID */
MUST_CHECK enum status dead_letters_show(const struct dead_letters *letters, const char *id_text,
                                         struct error *err);

/* dlq redrive; the question has the IDs or the filters. Gives an exit code. */
int dead_letters_redrive(const struct dead_letters *letters,
                         const struct letter_question *question);
/* dlq discard; likewise. */
int dead_letters_discard(const struct dead_letters *letters,
                         const struct letter_question *question);

#endif
