#include "platform/keystore/dynamodb_table.h"

#include "base/arena.h"
#include "base/json.h"
#include "platform/aws/aws_client.h"
#include "platform/clock.h"

#include <time.h>

enum {
    CALL_MS = 15000,   /* one call with its repeats */
    READY_MS = 120000, /* until a new table can be used */
    POLL_MS = 500,
};

static const size_t ARENA_SIZE_MAX = 16 * 1024 * 1024;

struct maker {
    struct aws_client *client;
    struct arena *arena;
    const char *table;
};

/* ---- calls --------------------------------------------------------------------------------- */

/* ERR_NOT_FOUND: there is no such table. */
static enum status call(const struct maker *maker, const char *action, struct text body,
                        struct aws_call *call_out, struct error *err)
{
    struct aws_call *const calls[] = {call_out};
    const struct aws_batch batch = {calls, 1, clock_monotonic_us() + CALL_MS * 1000};
    *call_out = (struct aws_call){.action = action, .body = body};
    TRY(aws_client_run(maker->client, maker->arena, &batch, err));
    if (call_out->outcome == AWS_DONE)
        return OK;
    if (text_equals_c(call_out->code, "ResourceNotFoundException"))
        return error_set(err, ERR_NOT_FOUND, "there is no table '%s'", maker->table);
    return error_set(err, call_out->outcome == AWS_REFUSED ? ERR_BROKEN : ERR_DOWN,
                     "DynamoDB at %s, %s: %.*s %.*s", aws_client_url(maker->client), action,
                     TEXT_ARGS(call_out->code), TEXT_ARGS(call_out->message));
}

/* {"TableName": ".."} */
static struct text named(const struct maker *maker)
{
    struct text_builder out;
    struct json_writer w;
    text_builder_init(&out, maker->arena, 128);
    json_writer_init(&w, &out);
    json_begin_object(&w, NULL);
    json_write_text(&w, "TableName", text_of(maker->table));
    json_end_object(&w);
    return text_builder_text(&out);
}

static struct text named_with(const struct maker *maker, const char *rest)
{
    const struct text name = named(maker);
    return text_format(maker->arena, "%.*s,%s}", (int)name.size - 1, name.data, rest);
}

/* The member of a reply's outermost member; NULL: it is not there. */
static const struct json_value *member(const struct json_value *whole, const char *outer,
                                       const char *name)
{
    const struct json_value *within = json_get(whole, outer);
    return within == NULL ? NULL : json_get(within, name);
}

static bool is_text(const struct json_value *value, const char *wanted)
{
    return value != NULL && value->type == JSON_STRING && text_equals_c(value->text, wanted);
}

/* ---- what is there ------------------------------------------------------------------------- */

static bool has_our_key(const struct json_value *whole)
{
    const struct json_value *schema = member(whole, "Table", "KeySchema");
    return schema != NULL && schema->type == JSON_ARRAY && schema->count == 1 &&
           text_equals_c(json_get_text(&schema->items[0], "AttributeName"), "key_hash");
}

static enum status describe(const struct maker *maker, bool *is_active_out, struct error *err)
{
    struct aws_call described;
    struct json_value whole;
    TRY(call(maker, "DescribeTable", named(maker), &described, err));
    TRY(json_parse(maker->arena, described.reply, &whole, err));
    if (!has_our_key(&whole))
        return error_set(err, ERR_INVALID,
                         "table '%s' is another's: its key is not 'key_hash' alone; choose another "
                         "name with TALLYSTICK_DYNAMODB_TABLE",
                         maker->table);
    *is_active_out = is_text(member(&whole, "Table", "TableStatus"), "ACTIVE");
    return OK;
}

static enum status describe_ttl(const struct maker *maker, bool *is_set_out, struct error *err)
{
    struct aws_call described;
    struct json_value whole;
    TRY(call(maker, "DescribeTimeToLive", named(maker), &described, err));
    TRY(json_parse(maker->arena, described.reply, &whole, err));
    const struct json_value *status = member(&whole, "TimeToLiveDescription", "TimeToLiveStatus");
    *is_set_out = is_text(status, "ENABLED") || is_text(status, "ENABLING");
    return OK;
}

static enum status plan(const struct maker *maker, struct dynamodb_plan *plan_out,
                        struct error *err)
{
    bool is_active = false;
    bool has_ttl = false;
    const enum status found = describe(maker, &is_active, err);
    if (found == ERR_NOT_FOUND) {
        *plan_out = (struct dynamodb_plan){.must_create = true, .must_set_ttl = true};
        return OK;
    }
    TRY(found);
    TRY(describe_ttl(maker, &has_ttl, err));
    *plan_out = (struct dynamodb_plan){.must_set_ttl = !has_ttl};
    return OK;
}

/* ---- making it ----------------------------------------------------------------------------- */

static enum status create(const struct maker *maker, struct error *err)
{
    struct aws_call made;
    const struct text body =
        named_with(maker, "\"BillingMode\":\"PAY_PER_REQUEST\","
                          "\"AttributeDefinitions\":[{\"AttributeName\":\"key_hash\","
                          "\"AttributeType\":\"S\"}],"
                          "\"KeySchema\":[{\"AttributeName\":\"key_hash\",\"KeyType\":\"HASH\"}]");
    const enum status created = call(maker, "CreateTable", body, &made, err);
    /* Somebody else makes it just now, or a first answer got lost. */
    return text_equals_c(made.code, "ResourceInUseException") ? OK : created;
}

static enum status wait_until_active(const struct maker *maker, struct error *err)
{
    const struct timespec rest = {.tv_nsec = POLL_MS * 1000000L};
    const int64_t deadline_us = clock_monotonic_us() + READY_MS * INT64_C(1000);
    for (bool is_active = false;;) {
        const enum status found = describe(maker, &is_active, err);
        if (found == OK && is_active)
            return OK;
        if (found != OK && found != ERR_NOT_FOUND)
            return found;
        if (clock_monotonic_us() > deadline_us)
            return error_set(err, ERR_TIMEOUT, "table '%s' is not ready yet", maker->table);
        nanosleep(&rest, NULL);
    }
}

static enum status set_ttl(const struct maker *maker, struct error *err)
{
    struct aws_call set;
    const struct text body = named_with(maker, "\"TimeToLiveSpecification\":{\"Enabled\":true,"
                                               "\"AttributeName\":\"expires_at\"}");
    return call(maker, "UpdateTimeToLive", body, &set, err);
}

static enum status apply(const struct maker *maker, struct dynamodb_plan *done_out,
                         struct error *err)
{
    TRY(plan(maker, done_out, err));
    if (done_out->must_create)
        TRY(create(maker, err));
    TRY(wait_until_active(maker, err));
    return done_out->must_set_ttl ? set_ttl(maker, err) : OK;
}

/* ---- from outside -------------------------------------------------------------------------- */

typedef enum status (*job)(const struct maker *, struct dynamodb_plan *, struct error *);

static enum status run(job what, const char *table, struct dynamodb_plan *out, struct error *err)
{
    const struct aws_client_config config = {.service = AWS_DYNAMODB, .connections_max = 1};
    struct maker maker = {.table = table};
    TRY(aws_client_new(&config, &maker.client, err));
    maker.arena = arena_new(ARENA_SIZE_MAX);
    const enum status ended = what(&maker, out, err);
    arena_free(maker.arena);
    aws_client_free(maker.client);
    return ended;
}

enum status dynamodb_table_plan(const char *table, struct dynamodb_plan *plan_out,
                                struct error *err)
{
    return run(plan, table, plan_out, err);
}

enum status dynamodb_table_apply(const char *table, struct dynamodb_plan *done_out,
                                 struct error *err)
{
    return run(apply, table, done_out, err);
}
