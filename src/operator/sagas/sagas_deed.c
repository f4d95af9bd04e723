/* tallystick saga retry, compensate, abandon: asks the saga service, which finds the rule under the
 * saga's lock and writes the deed to the audit in the same SQL transaction. */
#include "base/arena.h"
#include "base/json.h"
#include "operator/sagas/sagas.h"
#include "operator/table.h"
#include "platform/clock.h"
#include "platform/http/http_client.h"
#include "platform/tracing/tracing.h"

enum {
    TIMEOUT_MS = 60000,
    REPLY_SIZE_MAX = 64 * 1024,
    SPANS_WAIT_MS = 2000, /* for the collector */
};

struct sagas_deed {
    const struct sagas *sagas;
    const char *name;
    struct deed_words words;
    struct http_client *client;
    struct trace_context trace; /* of the command */
    struct table table;
    int done;
    int refused;
};

static struct text write_question(const struct sagas_deed *deed)
{
    struct text_builder body;
    struct json_writer w;
    text_builder_init(&body, deed->sagas->arena, 512);
    json_writer_init(&w, &body);
    json_begin_object(&w, NULL);
    json_write_text(&w, "deed", text_of(deed->name));
    json_write_uuid(&w, "deed_id", &deed->words.id);
    json_write_text(&w, "os_user", deed->words.os_user);
    if (!text_is_none(deed->words.by))
        json_write_text(&w, "by", deed->words.by);
    json_write_text(&w, "reason", deed->words.reason);
    json_write_bool(&w, "dry_run", deed->sagas->config->dry_run);
    json_end_object(&w);
    return text_builder_text(&body);
}

static enum status ask(const struct sagas_deed *deed, const char *id, struct http_reply *reply_out,
                       struct error *err)
{
    struct arena *arena = deed->sagas->arena;
    char *traceparent = arena_alloc(arena, TRACEPARENT_SIZE + 1);
    trace_context_format(&deed->trace, traceparent);
    const char *const url = deed->sagas->config->saga_url;
    return http_client_call(
        deed->client,
        &(struct http_call){.method = "POST",
                            .url = text_format(arena, "%s/internal/sagas/%s/deeds", url, id).data,
                            .body = write_question(deed),
                            .headers = {{"traceparent", text_of(traceparent)}},
                            .timeout_ms = TIMEOUT_MS,
                            .reply_size_max = REPLY_SIZE_MAX},
        arena, reply_out, err);
}

static struct text place_text(const struct sagas_deed *deed, const struct json_value *body,
                              const char *name)
{
    const struct json_value *place = json_get(body, name);
    if (place == NULL)
        return TEXT_NONE;
    return text_format(deed->sagas->arena, "%.*s/%.*s", TEXT_ARGS(json_get_text(place, "state")),
                       TEXT_ARGS(json_get_text(place, "step")));
}

static void add_line(struct sagas_deed *deed, const char *id, const struct http_reply *reply,
                     const struct json_value *body)
{
    const bool is_done = reply->status == 200;
    struct text *cells = table_add(&deed->table);
    cells[0] = text_of(id);
    cells[1] = json_get_text(body, "type");
    cells[2] = is_done ? json_get_text(body, "outcome") : TEXT("refused");
    if (is_done) {
        cells[3] = place_text(deed, body, "from");
        cells[4] = place_text(deed, body, "to");
        deed->done++;
    } else {
        cells[1] = TEXT_NONE; /* a problem's type is another thing */
        cells[5] = json_get_text(body, "detail");
        deed->refused++;
    }
}

/* A saga whose state does not allow it is a line of the result; anything else ends the command. */
static enum status do_one(struct sagas_deed *deed, const char *id, struct error *err)
{
    enum { HTTP_NOT_FOUND = 404, HTTP_CONFLICT = 409, HTTP_SERVER_ERROR = 500 };
    struct http_reply reply;
    struct json_value body;
    TRY(ask(deed, id, &reply, err));
    TRY(json_parse(deed->sagas->arena, reply.body, &body, err));
    if (reply.status != 200 && reply.status != HTTP_CONFLICT) {
        const enum status status = reply.status == HTTP_NOT_FOUND      ? ERR_NOT_FOUND
                                   : reply.status >= HTTP_SERVER_ERROR ? ERR_DOWN
                                                                       : ERR_INVALID;
        return error_set(err, status, "saga '%s': %.*s (%d)", id,
                         TEXT_ARGS(json_get_text(&body, "detail")), reply.status);
    }
    add_line(deed, id, &reply, &body);
    return OK;
}

static void say_result(const struct sagas_deed *deed)
{
    char id[UUID_TEXT_SIZE + 1];
    uuid_format(&deed->words.id, id);
    if (deed->sagas->config->dry_run)
        tool_say(deed->sagas->tool, "%d would be done, %d refused; nothing was changed", deed->done,
                 deed->refused);
    else
        tool_say(deed->sagas->tool, "%s: %d done, %d refused; deed %s", deed->name, deed->done,
                 deed->refused, id);
}

static int do_all(struct sagas_deed *deed, char *const *ids, size_t count)
{
    static const char *const COLUMNS[] = {"id", "type", "outcome", "from", "to", "detail", NULL};
    const struct sagas *sagas = deed->sagas;
    const int64_t begun_us = clock_monotonic_us();
    struct error err;
    enum status status = OK;
    table_init(&deed->table, sagas->arena, COLUMNS);
    for (size_t at = 0; at < count && status == OK; at++)
        status = do_one(deed, ids[at], &err);
    tracing_record(&(struct span){.type = SPAN_COMMAND,
                                  .word = text_format(sagas->arena, "saga %s", deed->name).data,
                                  .context = deed->trace,
                                  .begun_us = begun_us,
                                  .error = status == OK ? NULL : status_name(status)});
    if (deed->table.row_count > 0 || status == OK)
        table_print(&deed->table, sagas->config->output);
    if (status != OK)
        return tool_fail(sagas->tool, &err);
    say_result(deed);
    return deed->refused > 0 ? TOOL_FAILED : TOOL_DONE;
}

int sagas_do(const struct sagas *sagas, const char *name, char *const *ids, size_t count)
{
    const struct sagas_config *config = sagas->config;
    struct sagas_deed deed = {.sagas = sagas, .name = name};
    struct uuid id;
    int code =
        deed_begin_with_reason(sagas->tool, sagas->arena, config->reason, config->by, &deed.words);
    if (code != TOOL_DONE)
        return code;
    for (size_t at = 0; at < count; at++)
        if (!uuid_parse(text_of(ids[at]), &id))
            return tool_complain(sagas->tool, "'%s' is not a saga's id; see: tallystick saga ls",
                                 ids[at]);
    if (config->service_secret == NULL)
        return tool_complain(sagas->tool, "TALLYSTICK_SERVICE_SECRET is required");
    http_client_init_all();
    tracing_start("operator");
    deed.trace = tracing_begin();
    deed.client = http_client_new(config->service_secret);
    code = do_all(&deed, ids, count);
    tracing_stop(SPANS_WAIT_MS);
    http_client_free(deed.client);
    return code;
}
