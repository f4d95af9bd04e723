/* tallystick trace ID: one transaction's whole story, from the databases alone: what has happened
 * in order of time, and what has not happened yet. Everything is read in one snapshot. */
#include "base/arena.h"
#include "operator/operator.h"
#include "operator/operator_sql.h"
#include "operator/story/story.h"
#include "operator/tool.h"

enum { ARENA_SIZE_MAX = 256 * 1024 * 1024, TIMEOUT_MS = 60000, HURRIED_TIMEOUT_MS = 3000 };

struct trace_config {
    const char *database_url;
    const char *output;
    const char *tenant;
};

#define FIELD(field) offsetof(struct trace_config, field)

/* clang-format off */
const struct option TRACE_OPTIONS[] = {
    {"database-url", OPT_TEXT, NULL, FIELD(database_url),
     "PostgreSQL, as a URI or key=value text. DATABASE_URL is read too. Required."},
    {"output", OPT_CHOICE, "table", FIELD(output),
     "What is found is printed as (short: -o).", "table|json"},
    {"tenant", OPT_TEXT, "default", FIELD(tenant),
     "trace: whose transaction id it is."},
    {NULL},
};
/* clang-format on */

static const struct tool TRACE = {
    .name = "trace",
    .usage = "tallystick trace ID   tells a transaction's whole story, in order of time\n"
             "ID is the caller's transaction id, an authorization's or a saga's id",
    .options = TRACE_OPTIONS,
};

static const struct sql_statement *const STATEMENTS[] = {
    SQL_TAKE_SNAPSHOT,       SQL_FIND_STORY,
    SQL_LIST_STORY_CHANGES,  SQL_LIST_STORY_SAGAS,
    SQL_LIST_STORY_STEPS,    SQL_LIST_STORY_BOOKINGS,
    SQL_LIST_STORY_ENTRIES,  SQL_LIST_STORY_OUTBOX,
    SQL_LIST_STORY_MESSAGES, SQL_LIST_STORY_INBOX,
    SQL_LIST_STORY_PARKED,   SQL_LIST_STORY_DEAD_LETTERS,
    SQL_LIST_STORY_DEEDS,    NULL,
};

static const struct sql_statement *const HURRIED_STATEMENTS[] = {SQL_LIST_STORY_KEYS, NULL};

static enum status read_story(struct story *story, const char *tenant, const char *given,
                              struct error *err)
{
    db_send_begin(story->db);
    db_send(story->db, SQL_TAKE_SNAPSHOT, NULL);
    TRY(db_run(story->db, err));
    TRY(story_find(story, tenant, given, err));
    TRY(story_read_decision(story, err));
    TRY(story_read_booking(story, err));
    TRY(story_read_messages(story, err));
    story_add_waits(story);
    return OK;
}

int trace_main(int argc, char **argv)
{
    struct trace_config config = {0};
    struct error err;
    int code = TOOL_DONE;
    if (!tool_start(&TRACE, &config, &argc, argv, &code))
        return code;
    if (argc != 2 || argv[1][0] == '\0')
        return tool_complain(&TRACE, "one ID is expected: a transaction's, an authorization's or "
                                     "a saga's");
    struct arena *arena = arena_new(ARENA_SIZE_MAX);
    struct story *story = ARENA_NEW(arena, struct story);
    story->arena = arena;
    story->db = tool_open_db(config.database_url, STATEMENTS, TIMEOUT_MS);
    story->hurried = tool_open_db(config.database_url, HURRIED_STATEMENTS, HURRIED_TIMEOUT_MS);
    if (read_story(story, config.tenant, argv[1], &err) == OK)
        story_print(story, config.output);
    else
        code = tool_fail(&TRACE, &err);
    db_free(story->hurried);
    db_free(story->db);
    arena_free(arena);
    return code;
}
