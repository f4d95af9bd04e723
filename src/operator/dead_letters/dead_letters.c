/* tallystick dlq ls, show, redrive, discard: messages that could not be applied, over all services.
 */
#include "operator/dead_letters/dead_letters.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/timestamp.h"
#include "domain/lane.h"
#include "operator/operator.h"
#include "operator/operator_sql.h"
#include "operator/table.h"
#include "platform/bus/message.h"
#include "platform/clock.h"
#include "platform/http/http_client.h"
#include "platform/messaging/cause.h"
#include "platform/tracing/tracing.h"

#include <stdio.h>

enum {
    ARENA_SIZE_MAX = 256 * 1024 * 1024,
    TIMEOUT_MS = 60000,
    LIMIT_LS = 50,
    LIMIT_MAX = 100000,
    RATE_MAX = 1000,
    SPANS_WAIT_MS = 2000, /* for the collector */
};

#define TENANT TEXT("default") /* the only one, until tenants come */

#define FIELD(field) offsetof(struct dead_letters_config, field)

/* clang-format off */
const struct option DEAD_LETTER_OPTIONS[] = {
    {"database-url", OPT_TEXT, NULL, FIELD(database_url),
     "PostgreSQL, as a URI or key=value text. DATABASE_URL is read too. Required."},
    {"output", OPT_CHOICE, "table", FIELD(output),
     "What is found is printed as (short: -o).", "table|json"},
    {"group", OPT_CHOICE, NULL, FIELD(group),
     "ls, redrive, discard: only what this consumer group could not apply.",
     "authorization|ledger|saga"},
    {"class", OPT_CHOICE, NULL, FIELD(class),
     "ls, redrive, discard: only this class of causes.", "schema|business|transient_exhausted|bug"},
    {"code", OPT_TEXT, NULL, FIELD(code),
     "ls, redrive, discard: only this cause, such as database_refused."},
    {"type", OPT_TEXT, NULL, FIELD(type),
     "ls, redrive, discard: only messages of this type, such as ledger.record_hold."},
    {"key", OPT_TEXT, NULL, FIELD(key),
     "ls, redrive, discard: only messages of this key, an account's id."},
    {"user", OPT_TEXT, NULL, FIELD(user),
     "ls, redrive, discard: only messages about this user's account."},
    {"since", OPT_TEXT, NULL, FIELD(since),
     "ls, redrive, discard: only what failed last at or after this time, as 2026-01-31T12:00:00Z "
     "or, so long ago, 90s, 15m, 2h, 7d."},
    {"until", OPT_TEXT, NULL, FIELD(until),
     "ls, redrive, discard: only what failed last before this time, written likewise."},
    {"state", OPT_CHOICE, NULL, FIELD(state),
     "ls: only letters in this state; open unless told.", "open|redriven|discarded|all"},
    {"limit", OPT_INT, NULL, FIELD(limit),
     "At most so many; ls: 50 unless told, redrive and discard: all."},
    {"cursor", OPT_TEXT, NULL, FIELD(cursor),
     "ls: goes on after the letter of this id, the last of the page before."},
    {"all", OPT_BOOL, "false", FIELD(all),
     "redrive, discard: every letter that is open."},
    {"dry-run", OPT_BOOL, "false", FIELD(dry_run),
     "redrive, discard: says what would be done and changes nothing."},
    {"rate", OPT_INT, "10", FIELD(rate),
     "redrive: letters per second, 1 to 1000."},
    {"reason", OPT_TEXT, NULL, FIELD(reason),
     "redrive, discard: why, for the record; up to 500 bytes. discard requires it."},
    {"by", OPT_TEXT, NULL, FIELD(by),
     "discard: on whose behalf, for the record; the system's user unless told."},
    {"force", OPT_BOOL, "false", FIELD(force),
     "redrive: also what has been redriven three times already."},
    {NULL},
};
/* clang-format on */

static const struct tool DLQ = {
    .name = "dlq",
    .usage = "tallystick dlq ls [filter ...] [--state STATE]   lists dead letters, newest first\n"
             "tallystick dlq show ID                           prints a letter and its redrives\n"
             "tallystick dlq redrive ID ... | filter ... | --all [--dry-run] [--reason TEXT]\n"
             "                                                 sends letters back to be applied\n"
             "tallystick dlq discard ID ... | filter ... | --all --reason TEXT [--dry-run]\n"
             "                                                 closes letters for good, unapplied\n"
             "ID is a letter's or its event's; filters: --group --class --code --type --key "
             "--user\n--since --until",
    .options = DEAD_LETTER_OPTIONS,
};

static const struct sql_statement *const STATEMENTS[] = {
    SQL_LIST_DEAD_LETTERS,
    SQL_FIND_DEAD_LETTER,
    SQL_LIST_DEEDS,
    NULL,
};

/* ---- what is asked ------------------------------------------------------------------------- */

static bool has_filter(const struct dead_letters_config *config)
{
    return config->group != NULL || config->class != NULL || config->code != NULL ||
           config->type != NULL || config->key != NULL || config->user != NULL ||
           config->since != NULL || config->until != NULL;
}

/* 2026-01-31T12:00:00Z, or 15m: so long ago. */
static bool read_time(const char *given, int64_t *time_us_out)
{
    static const struct {
        char unit;
        int64_t seconds;
    } UNITS[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    static const int64_t SECONDS_MAX = INT64_C(100) * 366 * 86400;
    if (timestamp_parse(text_of(given), time_us_out))
        return true;
    struct text number = text_of(given);
    int64_t count = 0;
    for (size_t at = 0; at < COUNT(UNITS) && number.size > 1; at++) {
        if (number.data[number.size - 1] != UNITS[at].unit)
            continue;
        number.size--;
        if (!text_to_i64(number, &count) || count > SECONDS_MAX / UNITS[at].seconds)
            return false;
        *time_us_out = clock_realtime_us() - count * UNITS[at].seconds * 1000000;
        return true;
    }
    return false;
}

/* Each gives TOOL_DONE, or has complained. */
static int read_key(const struct dead_letters *letters, struct letter_question *question)
{
    const struct dead_letters_config *config = letters->config;
    struct uuid *key = ARENA_NEW(letters->arena, struct uuid);
    if (config->key != NULL && config->user != NULL)
        return tool_complain(&DLQ, "--key and --user name the same thing: give one of them");
    if (config->key != NULL && !uuid_parse(text_of(config->key), key))
        return tool_complain(&DLQ, "--key '%s' is no id such as an account's", config->key);
    if (config->user != NULL)
        *key = account_id_of(TENANT, text_of(config->user));
    if (config->key != NULL || config->user != NULL)
        question->key = key;
    return TOOL_DONE;
}

static int read_times(const struct dead_letters *letters, struct letter_question *question)
{
    const struct dead_letters_config *config = letters->config;
    if (config->since != NULL && !read_time(config->since, &question->since_us))
        return tool_complain(&DLQ, "--since '%s' is no time such as 2026-01-31T12:00:00Z or 15m",
                             config->since);
    if (config->until != NULL && !read_time(config->until, &question->until_us))
        return tool_complain(&DLQ, "--until '%s' is no time such as 2026-01-31T12:00:00Z or 15m",
                             config->until);
    return TOOL_DONE;
}

static int read_cause(const struct dead_letters *letters, struct letter_question *question)
{
    const struct dead_letters_config *config = letters->config;
    question->group = text_of(config->group);
    question->class = text_of(config->class);
    question->code = text_of(config->code);
    if (config->code != NULL && cause_of_code(question->code) == CAUSE_NONE)
        return tool_complain(&DLQ, "--code '%s' is no cause; see docs/runbooks/dead-letters.md",
                             config->code);
    if (config->type != NULL && strchr(config->type, '.') == NULL)
        return tool_complain(&DLQ, "--type '%s' is no message type such as ledger.record_hold",
                             config->type);
    question->type = text_of(config->type);
    if (config->type != NULL && text_is_none(message_event_name(question->type)))
        question->type = message_type_of(letters->arena, question->type);
    return TOOL_DONE;
}

static int read_question(const struct dead_letters *letters, struct letter_question *question)
{
    const struct dead_letters_config *config = letters->config;
    int code = read_cause(letters, question);
    if (code == TOOL_DONE)
        code = read_key(letters, question);
    if (code == TOOL_DONE)
        code = read_times(letters, question);
    if (code != TOOL_DONE)
        return code;
    if (config->limit > LIMIT_MAX)
        return tool_complain(&DLQ, "--limit is at most %d", LIMIT_MAX);
    question->count_max = config->limit;
    return TOOL_DONE;
}

/* ---- ls ------------------------------------------------------------------------------------ */

static void print_letters(const struct dead_letters *letters, struct sql_rows rows)
{
    static const char *const COLUMNS[] = {"id",    "event_id",       "group",  "type",
                                          "key",   "class",          "code",   "redrives",
                                          "state", "last_failed_at", "reason", NULL};
    struct arena *arena = letters->arena;
    struct table table;
    table_init(&table, arena, COLUMNS);
    for (int row = 0; row < rows.count; row++) {
        const struct uuid id = sql_uuid(rows, row, LIST_DEAD_LETTERS_ID);
        const struct uuid event_id = sql_uuid(rows, row, LIST_DEAD_LETTERS_EVENT_ID);
        const struct uuid key = sql_uuid(rows, row, LIST_DEAD_LETTERS_KEY);
        struct text *cells = table_add(&table);
        cells[0] = uuid_to_text(arena, &id);
        cells[1] = uuid_to_text(arena, &event_id);
        cells[2] = sql_text(rows, row, LIST_DEAD_LETTERS_CONSUMER_GROUP);
        cells[3] = dead_letters_type(sql_text(rows, row, LIST_DEAD_LETTERS_TYPE));
        cells[4] = uuid_to_text(arena, &key);
        cells[5] = sql_text(rows, row, LIST_DEAD_LETTERS_ERROR_CLASS);
        cells[6] = sql_text(rows, row, LIST_DEAD_LETTERS_ERROR_CODE);
        cells[7] = text_format(arena, "%d", sql_i32(rows, row, LIST_DEAD_LETTERS_REDRIVE_COUNT));
        cells[8] = sql_text(rows, row, LIST_DEAD_LETTERS_STATE);
        cells[9] = sql_text(rows, row, LIST_DEAD_LETTERS_LAST_FAILED_AT);
        cells[10] = sql_text(rows, row, LIST_DEAD_LETTERS_ERROR_MESSAGE);
    }
    table_print(&table, letters->config->output);
}

static struct text state_of(const char *name)
{
    if (name == NULL)
        return TEXT("open");
    return strcmp(name, "all") == 0 ? TEXT_NONE : text_of(name);
}

static int list(const struct dead_letters *letters, struct letter_question *question)
{
    const char *const cursor = letters->config->cursor;
    struct uuid after;
    struct sql_rows rows;
    struct error err;
    if (cursor != NULL && !uuid_parse(text_of(cursor), &after))
        return tool_complain(&DLQ, "--cursor '%s' is no letter's id", cursor);
    question->after = cursor == NULL ? NULL : &after;
    question->state = state_of(letters->config->state);
    if (question->count_max == 0)
        question->count_max = LIMIT_LS;
    if (dead_letters_find(letters, question, &rows, &err) != OK)
        return tool_fail(&DLQ, &err);
    print_letters(letters, rows);
    if (rows.count == question->count_max) {
        char last[UUID_TEXT_SIZE + 1];
        const struct uuid id = sql_uuid(rows, rows.count - 1, LIST_DEAD_LETTERS_ID);
        uuid_format(&id, last);
        tool_say(&DLQ, "there may be more: --cursor %s", last);
    }
    return TOOL_DONE;
}

/* ---- show, deeds --------------------------------------------------------------------------- */

static int show(const struct dead_letters *letters, const char *id_text)
{
    struct error err;
    if (has_filter(letters->config))
        return tool_complain(&DLQ, "show takes an ID and no filter");
    const enum status status = dead_letters_show(letters, id_text, &err);
    return status == OK ? TOOL_DONE : tool_fail(&DLQ, &err);
}

/* A redrive goes on in the traces of others, and is one itself where a collector is named. */
static void start_tracing(void)
{
    http_client_init_all();
    tracing_start("operator");
}

/* redrive and discard: of letters by their ids, by filters, or of all. */
static int do_deed(const struct dead_letters *letters, struct letter_question *question, int argc,
                   char **argv)
{
    const struct dead_letters_config *config = letters->config;
    const bool is_redrive = strcmp(argv[1], "redrive") == 0;
    const size_t count = (size_t)argc - 2;
    const char *bad = NULL;
    if ((count > 0) + has_filter(config) + config->all != 1)
        return tool_complain(&DLQ, "%s takes IDs, or filters, or --all", argv[1]);
    if (config->rate < 1 || config->rate > RATE_MAX)
        return tool_complain(&DLQ, "--rate is 1 to %d letters per second", RATE_MAX);
    if (count > 0 && config->limit > 0)
        return tool_complain(&DLQ, "--limit is for filters, not for IDs");
    question->id_count = count;
    if (count > 0 && !dead_letters_read_ids(letters->arena, argv + 2, count, &question->ids, &bad))
        return tool_complain(&DLQ, "'%s' is not a dead letter's id; see: tallystick dlq ls", bad);
    if (!config->dry_run)
        start_tracing();
    return is_redrive ? dead_letters_redrive(letters, question)
                      : dead_letters_discard(letters, question);
}

/* ---- the command --------------------------------------------------------------------------- */

/* An option that a verb would not look at is a mistake, and one about --dry-run a dear one. */
static int check_options(const struct dead_letters_config *config, const char *verb)
{
    const struct {
        const char *option;
        const char *verb;
        const char *other_verb; /* NULL: there is none */
        bool is_given;
    } OWN[] = {
        {"--state", "ls", NULL, config->state != NULL},
        {"--cursor", "ls", NULL, config->cursor != NULL},
        {"--all", "redrive", "discard", config->all},
        {"--dry-run", "redrive", "discard", config->dry_run},
        {"--reason", "redrive", "discard", config->reason != NULL},
        {"--force", "redrive", NULL, config->force},
        {"--by", "discard", NULL, config->by != NULL},
    };
    for (size_t at = 0; at < COUNT(OWN); at++) {
        const bool is_other = OWN[at].other_verb != NULL && strcmp(OWN[at].other_verb, verb) == 0;
        if (OWN[at].is_given && strcmp(OWN[at].verb, verb) != 0 && !is_other)
            return tool_complain(&DLQ, "%s is for %s, not for %s", OWN[at].option, OWN[at].verb,
                                 verb);
    }
    return TOOL_DONE;
}

static int run(const struct dead_letters *letters, int argc, char **argv)
{
    struct letter_question question = {.count_max = 0};
    const char *verb = argc < 2 ? "" : argv[1];
    const bool is_ls = strcmp(verb, "ls") == 0 && argc == 2;
    const bool is_show = strcmp(verb, "show") == 0 && argc == 3;
    const bool is_deed = strcmp(verb, "redrive") == 0 || strcmp(verb, "discard") == 0;
    if (!is_ls && !is_show && !is_deed)
        return tool_complain(&DLQ, "one of ls, show ID, redrive, discard is expected");
    int code = check_options(letters->config, verb);
    if (code == TOOL_DONE)
        code = read_question(letters, &question);
    if (code != TOOL_DONE)
        return code;
    if (is_ls)
        return list(letters, &question);
    if (is_show)
        return show(letters, argv[2]);
    return do_deed(letters, &question, argc, argv);
}

int dead_letter_main(int argc, char **argv)
{
    struct dead_letters_config config = {.reason = NULL};
    int code = TOOL_DONE;
    if (!tool_start(&DLQ, &config, &argc, argv, &code))
        return code;
    const struct dead_letters letters = {
        .config = &config,
        .tool = &DLQ,
        .arena = arena_new(ARENA_SIZE_MAX),
        .db = tool_open_db(config.database_url, STATEMENTS, TIMEOUT_MS),
    };
    code = run(&letters, argc, argv);
    tracing_stop(SPANS_WAIT_MS);
    db_free(letters.db);
    arena_free(letters.arena);
    return code;
}
