/* tallystick saga ls, show, retry, compensate, abandon: where the business transactions stand, and
 * what an operator may do about those that are stuck. */
#include "operator/sagas/sagas.h"

#include "base/arena.h"
#include "base/assert.h"
#include "operator/operator.h"

enum { ARENA_SIZE_MAX = 64 * 1024 * 1024, TIMEOUT_MS = 60000, LIMIT_MAX = 100000 };

#define FIELD(field) offsetof(struct sagas_config, field)

/* clang-format off */
const struct option SAGA_LIST_OPTIONS[] = {
    {"database-url", OPT_TEXT, NULL, FIELD(database_url),
     "ls, show need it: PostgreSQL, as a URI or key=value text. DATABASE_URL is read too."},
    {"saga-url", OPT_URL, "http://127.0.0.1:8084", FIELD(saga_url),
     "retry, compensate, abandon: where the saga service answers services."},
    {"service-secret", OPT_SECRET, NULL, FIELD(service_secret),
     "retry, compensate, abandon need it: what services show each other."},
    {"output", OPT_CHOICE, "table", FIELD(output),
     "What is found is printed as (short: -o).", "table|json"},
    {"state", OPT_CHOICE, NULL, FIELD(state), "ls: only sagas in this state.",
     "started|running|completed|compensating|compensated|stuck|abandoned"},
    {"limit", OPT_INT, "50", FIELD(limit), "ls: at most so many sagas, the newest."},
    {"reason", OPT_TEXT, NULL, FIELD(reason),
     "retry, compensate, abandon need it: why, for the record; up to 500 bytes."},
    {"by", OPT_TEXT, NULL, FIELD(by),
     "retry, compensate, abandon: on whose behalf, for the record; the system's user unless told."},
    {"dry-run", OPT_BOOL, "false", FIELD(dry_run),
     "retry, compensate, abandon: says what would be done and changes nothing."},
    {NULL},
};
/* clang-format on */

static const struct tool SAGA = {
    .name = "saga",
    .usage = "tallystick saga ls [--state STATE] [--limit N]   lists sagas, newest first\n"
             "tallystick saga show ID                          prints a saga, its steps and deeds\n"
             "tallystick saga retry ID ... --reason TEXT       sends a stuck saga's command again\n"
             "tallystick saga compensate ID ... --reason TEXT  has a stuck booking undone\n"
             "tallystick saga abandon ID ... --reason TEXT     gives a stuck saga up, for good\n"
             "The last three take --by NAME and --dry-run too.",
    .options = SAGA_LIST_OPTIONS,
};

static const char *const DEEDS[] = {"retry", "compensate", "abandon"};

static bool is_deed(const char *verb)
{
    for (size_t at = 0; at < COUNT(DEEDS); at++)
        if (strcmp(verb, DEEDS[at]) == 0)
            return true;
    return false;
}

static int look(const struct sagas *sagas, int argc, char **argv)
{
    struct error err;
    enum status status = OK;
    if (sagas->config->database_url == NULL)
        return tool_complain(&SAGA, "TALLYSTICK_DATABASE_URL is required");
    struct db *db = tool_open_db(sagas->config->database_url, SAGAS_STATEMENTS, TIMEOUT_MS);
    if (argc == 2)
        status = sagas_list(sagas, db, &err);
    else
        status = sagas_show(sagas, db, argv[2], &err);
    db_free(db);
    return status == OK ? TOOL_DONE : tool_fail(&SAGA, &err);
}

/* An option that a verb would not look at is a mistake, and one about --dry-run a dear one. */
static int check_options(const struct sagas_config *config, const char *verb)
{
    const bool is_for_deeds = config->reason != NULL || config->by != NULL || config->dry_run;
    if (is_for_deeds && !is_deed(verb))
        return tool_complain(&SAGA, "--reason, --by and --dry-run are for deeds, not for %s", verb);
    if (config->state != NULL && strcmp(verb, "ls") != 0)
        return tool_complain(&SAGA, "--state is for ls, not for %s", verb);
    if (config->limit > LIMIT_MAX)
        return tool_complain(&SAGA, "--limit is at most %d", LIMIT_MAX);
    return TOOL_DONE;
}

static int run(const struct sagas *sagas, int argc, char **argv)
{
    const char *const verb = argc < 2 ? "" : argv[1];
    const bool is_ls = strcmp(verb, "ls") == 0 && argc == 2;
    const bool is_show = strcmp(verb, "show") == 0 && argc == 3;
    if (!is_ls && !is_show && !(is_deed(verb) && argc > 2))
        return tool_complain(&SAGA,
                             "one of ls, show ID, retry, compensate, abandon ID is expected");
    const int code = check_options(sagas->config, verb);
    if (code != TOOL_DONE)
        return code;
    if (is_deed(verb))
        return sagas_do(sagas, verb, argv + 2, (size_t)argc - 2);
    return look(sagas, argc, argv);
}

int saga_list_main(int argc, char **argv)
{
    struct sagas_config config = {.reason = NULL};
    int code = TOOL_DONE;
    if (!tool_start(&SAGA, &config, &argc, argv, &code))
        return code;
    const struct sagas sagas = {
        .config = &config,
        .tool = &SAGA,
        .arena = arena_new(ARENA_SIZE_MAX),
    };
    code = run(&sagas, argc, argv);
    arena_free(sagas.arena);
    return code;
}
