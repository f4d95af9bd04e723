/* tallystick account: a user's credit limit and status, through the authorization service: only it
 * may change what it decides by. */
#include "base/arena.h"
#include "base/assert.h"
#include "base/json.h"
#include "domain/money.h"
#include "operator/operator.h"
#include "operator/table.h"
#include "operator/tool.h"
#include "platform/clock.h"
#include "platform/http/http_client.h"
#include "platform/tracing/tracing.h"

#include <stdio.h>

enum {
    ARENA_SIZE_MAX = 4 * 1024 * 1024,
    TIMEOUT_MS = 10000,
    REPLY_SIZE_MAX = 256 * 1024,
    SPANS_WAIT_MS = 2000, /* for the collector */
};

struct account_config {
    const char *authorization_url;
    const char *service_secret;
    const char *output;
    const char *credit_limit;
    const char *currency;
    const char *status;
};

#define FIELD(field) offsetof(struct account_config, field)

/* clang-format off */
const struct option ACCOUNT_OPTIONS[] = {
    {"authorization-url", OPT_URL, "http://127.0.0.1:8081", FIELD(authorization_url),
     "Where the authorization service answers services."},
    {"service-secret", OPT_SECRET, NULL, FIELD(service_secret),
     "What services show each other. Required."},
    {"output", OPT_CHOICE, "table", FIELD(output),
     "What is found is printed as (short: -o).", "table|json"},
    {"credit-limit", OPT_TEXT, NULL, FIELD(credit_limit),
     "put: the new limit in major units, such as 500.00."},
    {"currency", OPT_TEXT, NULL, FIELD(currency),
     "put: the currency of a new account, such as USD."},
    {"status", OPT_CHOICE, NULL, FIELD(status), "put: the new status.", "open|frozen|closed"},
    {NULL},
};
/* clang-format on */

static const struct tool ACCOUNT = {
    .name = "account",
    .usage = "tallystick account get USER       prints limit, status and currency\n"
             "tallystick account balance USER   prints limit, held, posted and available\n"
             "tallystick account put USER [--credit-limit 500.00] [--currency USD] "
             "[--status STATUS]",
    .options = ACCOUNT_OPTIONS,
};

struct accounts {
    const struct account_config *config;
    struct arena *arena;
    struct http_client *client;
    struct text user;
    struct trace_context trace; /* a new one, which the service goes on in */
};

/* ---- asking -------------------------------------------------------------------------------- */

/* A user id as one segment of a path. */
static void add_segment(struct text_builder *url, struct text plain)
{
    static const char UNRESERVED[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                     "0123456789-._~";
    for (size_t at = 0; at < plain.size; at++) {
        if (memchr(UNRESERVED, plain.data[at], sizeof UNRESERVED - 1) != NULL)
            text_builder_add(url, &plain.data[at], 1);
        else
            text_builder_add_format(url, "%%%02X", (unsigned char)plain.data[at]);
    }
}

static const char *account_url(const struct accounts *accounts, const char *what)
{
    struct text_builder url;
    text_builder_init(&url, accounts->arena, 256);
    text_builder_add_c(&url, accounts->config->authorization_url);
    text_builder_add_c(&url, "/internal/accounts/");
    add_segment(&url, accounts->user);
    text_builder_add_c(&url, what);
    return text_to_c(accounts->arena, text_builder_text(&url));
}

/* A problem's own words, or its title. */
static enum status refuse_problem(const struct json_value *problem, int64_t status,
                                  struct error *err)
{
    struct text words = json_get_text(problem, "detail");
    if (text_is_none(words))
        words = json_get_text(problem, "title");
    return error_set(err, status == 404 ? ERR_NOT_FOUND : ERR_INVALID, "%.*s (%lld)",
                     TEXT_ARGS(words), (long long)status);
}

static enum status call(const struct accounts *accounts, const struct http_call *wanted,
                        struct json_value *body_out, struct error *err)
{
    struct http_reply reply;
    TRY(http_client_call(accounts->client, wanted, accounts->arena, &reply, err));
    TRY(json_parse(accounts->arena, reply.body, body_out, err));
    if (reply.status != 200)
        return refuse_problem(body_out, reply.status, err);
    return OK;
}

/* ---- printing ------------------------------------------------------------------------------ */

/* Money as "99.99 USD", everything else as it stands. */
static struct text value_text(struct arena *arena, const struct json_value *value)
{
    if (value->type == JSON_OBJECT)
        return text_format(arena, "%.*s %.*s", TEXT_ARGS(json_get_text(value, "amount")),
                           TEXT_ARGS(json_get_text(value, "currency")));
    return value->type == JSON_STRING ? value->text : value->source;
}

static void print_account(const struct accounts *accounts, const struct json_value *body)
{
    static const char *const COLUMNS[] = {"field", "value", NULL};
    struct table table;
    if (strcmp(accounts->config->output, "json") == 0) {
        printf("%.*s\n", TEXT_ARGS(body->source));
        return;
    }
    table_init(&table, accounts->arena, COLUMNS);
    for (size_t at = 0; body->type == JSON_OBJECT && at < body->count; at++) {
        struct text *cells = table_add(&table);
        cells[0] = body->members[at].name;
        cells[1] = value_text(accounts->arena, &body->members[at].value);
    }
    table_print(&table, accounts->config->output);
}

/* ---- verbs --------------------------------------------------------------------------------- */

static enum status get(const struct accounts *accounts, const char *what, struct error *err)
{
    struct json_value body;
    TRY(call(accounts,
             &(struct http_call){.method = "GET",
                                 .url = account_url(accounts, what),
                                 .timeout_ms = TIMEOUT_MS,
                                 .reply_size_max = REPLY_SIZE_MAX},
             &body, err));
    print_account(accounts, &body);
    return OK;
}

static void write_given(struct json_writer *w, const char *name, const char *value)
{
    if (value != NULL)
        json_write_text(w, name, text_of(value));
}

static struct text put_body(const struct accounts *accounts)
{
    char traceparent[TRACEPARENT_SIZE + 1];
    struct text_builder body;
    struct json_writer w;
    trace_context_format(&accounts->trace, traceparent);
    text_builder_init(&body, accounts->arena, 512);
    json_writer_init(&w, &body);
    json_begin_object(&w, NULL);
    json_begin_array(&w, "items");
    json_begin_object(&w, NULL);
    json_write_text(&w, "op", TEXT("put_account"));
    json_write_text(&w, "traceparent", text_of(traceparent));
    json_write_i64(&w, "deadline_ms", TIMEOUT_MS);
    json_write_bool(&w, "trusted", true);
    json_write_text(&w, "user_id", accounts->user);
    write_given(&w, "credit_limit", accounts->config->credit_limit);
    write_given(&w, "currency", accounts->config->currency);
    write_given(&w, "status", accounts->config->status);
    json_end_object(&w);
    json_end_array(&w);
    json_end_object(&w);
    return text_builder_text(&body);
}

static enum status put(const struct accounts *accounts, struct error *err)
{
    struct json_value hop;
    TRY(call(accounts,
             &(struct http_call){.method = "POST",
                                 .url = text_format(accounts->arena, "%s/internal/authorizations",
                                                    accounts->config->authorization_url)
                                            .data,
                                 .body = put_body(accounts),
                                 .timeout_ms = TIMEOUT_MS,
                                 .reply_size_max = REPLY_SIZE_MAX},
             &hop, err));
    const struct json_value *items = json_get(&hop, "items");
    if (items == NULL || items->type != JSON_ARRAY || items->count != 1)
        return error_set(err, ERR_BROKEN, "the authorization service answered something else");
    const struct json_value *item = &items->items[0], *body = json_get(item, "body");
    int64_t status = 0;
    if (body == NULL || !json_get_i64(item, "status", &status))
        return error_set(err, ERR_BROKEN, "the authorization service answered something else");
    if (status >= 300)
        return refuse_problem(body, status, err);
    print_account(accounts, body);
    return OK;
}

/* What the service would refuse less kindly. NULL: nothing. */
static const char *fault_of_put(const struct account_config *config)
{
    struct decimal limit;
    if (config->credit_limit == NULL && config->currency == NULL && config->status == NULL)
        return "put needs --credit-limit, --currency or --status";
    if (config->credit_limit != NULL &&
        decimal_parse(text_of(config->credit_limit), &limit) != DECIMAL_OK)
        return "--credit-limit must be an amount such as 500.00";
    if (config->currency != NULL && currency_find(text_of(config->currency)) == NULL)
        return "--currency must be a code of ISO 4217 such as USD";
    return NULL;
}

static int run(const struct accounts *accounts, const char *verb)
{
    struct error err;
    enum status status = OK;
    if (strcmp(verb, "get") == 0) {
        status = get(accounts, "", &err);
    } else if (strcmp(verb, "balance") == 0) {
        status = get(accounts, "/balance", &err);
    } else if (strcmp(verb, "put") == 0) {
        const char *const fault = fault_of_put(accounts->config);
        if (fault != NULL)
            return tool_complain(&ACCOUNT, "%s", fault);
        const int64_t begun_us = clock_monotonic_us();
        status = put(accounts, &err);
        tracing_record(&(struct span){.type = SPAN_COMMAND,
                                      .context = accounts->trace,
                                      .begun_us = begun_us,
                                      .error = status == OK ? NULL : status_name(status)});
    } else {
        return tool_complain(&ACCOUNT, "'%s' is none of get, balance, put", verb);
    }
    return status == OK ? TOOL_DONE : tool_fail(&ACCOUNT, &err);
}

int account_main(int argc, char **argv)
{
    struct account_config config = {0};
    int code = TOOL_DONE;
    if (!tool_start(&ACCOUNT, &config, &argc, argv, &code))
        return code;
    if (argc != 3)
        return tool_complain(&ACCOUNT, "get, balance or put and a USER are expected");
    http_client_init_all();
    tracing_start("operator");
    const struct accounts accounts = {
        .config = &config,
        .trace = tracing_begin(),
        .arena = arena_new(ARENA_SIZE_MAX),
        .client = http_client_new(config.service_secret),
        .user = text_of(argv[2]),
    };
    code = run(&accounts, argv[1]);
    tracing_stop(SPANS_WAIT_MS);
    http_client_free(accounts.client);
    arena_free(accounts.arena);
    return code;
}
