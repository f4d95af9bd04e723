#include "platform/keystore/dynamodb_record.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/json.h"

#include <stdio.h>

enum { REQUEST_SIZE_EXPECTED = 1024 };

#define IN_FLIGHT "IN_FLIGHT"
#define DONE      "DONE"

/* ---- pieces -------------------------------------------------------------------------------- */

/* "name": {"S": "value"} */
static void write_string(struct json_writer *w, const char *name, struct text value)
{
    json_begin_object(w, name);
    json_write_text(w, "S", value);
    json_end_object(w);
}

/* "name": {"N": "12"}: numbers travel as text. */
static void write_number(struct json_writer *w, const char *name, int64_t value)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%lld", (long long)value);
    json_begin_object(w, name);
    json_write_text(w, "N", text_of(digits));
    json_end_object(w);
}

static void begin_request(struct json_writer *w, struct text_builder *out, struct arena *arena,
                          const struct dynamodb_claimant *claimant)
{
    text_builder_init(out, arena, REQUEST_SIZE_EXPECTED);
    json_writer_init(w, out);
    json_begin_object(w, NULL);
    json_write_text(w, "TableName", text_of(claimant->table));
}

static void write_key(struct json_writer *w, struct arena *arena,
                      const struct keystore_claim *claim)
{
    json_begin_object(w, "Key");
    write_string(w, "key_hash", sha256_to_hex(arena, &claim->key_hash));
    json_end_object(w);
}

/* ---- requests ------------------------------------------------------------------------------ */

static void write_item(struct json_writer *w, struct arena *arena,
                       const struct dynamodb_claimant *claimant, const struct keystore_claim *claim)
{
    const int64_t now_s = claimant->now_ms / 1000;
    json_begin_object(w, "Item");
    write_string(w, "key_hash", sha256_to_hex(arena, &claim->key_hash));
    write_string(w, "state", TEXT(IN_FLIGHT));
    write_string(w, "owner", uuid_to_text(arena, &claimant->owner));
    write_string(w, "fingerprint", sha256_to_hex(arena, &claim->fingerprint));
    write_number(w, "lease_until", claimant->now_ms + claimant->lease_ms);
    write_number(w, "created_at", now_s);
    write_number(w, "expires_at", now_s + claimant->ttl_s);
    json_end_object(w);
}

static struct text write_claim(struct arena *arena, const struct dynamodb_claimant *claimant,
                               const struct keystore_claim *claim)
{
    const int64_t stale_ms = claimant->now_ms - DYNAMODB_CLOCK_SKEW_MS;
    struct text_builder out;
    struct json_writer w;
    begin_request(&w, &out, arena, claimant);
    write_item(&w, arena, claimant, claim);
    json_write_text(&w, "ConditionExpression",
                    TEXT("attribute_not_exists(key_hash) OR expires_at < :stale_s OR "
                         "(#state = :in_flight AND lease_until < :stale_ms)"));
    json_write_raw(&w, "ExpressionAttributeNames", TEXT("{\"#state\":\"state\"}"));
    json_begin_object(&w, "ExpressionAttributeValues");
    write_string(&w, ":in_flight", TEXT(IN_FLIGHT));
    write_number(&w, ":stale_ms", stale_ms);
    write_number(&w, ":stale_s", stale_ms / 1000);
    json_end_object(&w);
    json_write_text(&w, "ReturnValues", TEXT("ALL_OLD"));
    json_write_text(&w, "ReturnValuesOnConditionCheckFailure", TEXT("ALL_OLD"));
    json_end_object(&w);
    return text_builder_text(&out);
}

#define IS_STILL_OURS "#owner = :owner AND #state = :in_flight"

static void write_outcome(struct json_writer *w, const struct keystore_outcome *outcome)
{
    write_string(w, ":done", TEXT(DONE));
    write_number(w, ":status", outcome->status);
    write_string(w, ":body", outcome->body);
    if (!text_is_none(outcome->location))
        write_string(w, ":location", outcome->location);
}

static struct text write_complete(struct arena *arena, const struct dynamodb_claimant *claimant,
                                  const struct keystore_claim *claim)
{
    const bool has_location = !text_is_none(claim->outcome.location);
    struct text_builder out;
    struct json_writer w;
    begin_request(&w, &out, arena, claimant);
    write_key(&w, arena, claim);
    json_write_text(&w, "UpdateExpression",
                    has_location ? TEXT("SET #state = :done, #status = :status, #body = :body, "
                                        "#location = :location")
                                 : TEXT("SET #state = :done, #status = :status, #body = :body"));
    json_write_text(&w, "ConditionExpression", TEXT(IS_STILL_OURS));
    json_write_raw(&w, "ExpressionAttributeNames",
                   has_location ? TEXT("{\"#state\":\"state\",\"#owner\":\"owner\",\"#status\":"
                                       "\"status\",\"#body\":\"body\",\"#location\":\"location\"}")
                                : TEXT("{\"#state\":\"state\",\"#owner\":\"owner\",\"#status\":"
                                       "\"status\",\"#body\":\"body\"}"));
    json_begin_object(&w, "ExpressionAttributeValues");
    write_string(&w, ":owner", uuid_to_text(arena, &claimant->owner));
    write_string(&w, ":in_flight", TEXT(IN_FLIGHT));
    write_outcome(&w, &claim->outcome);
    json_end_object(&w);
    json_end_object(&w);
    return text_builder_text(&out);
}

static struct text write_release(struct arena *arena, const struct dynamodb_claimant *claimant,
                                 const struct keystore_claim *claim)
{
    struct text_builder out;
    struct json_writer w;
    begin_request(&w, &out, arena, claimant);
    write_key(&w, arena, claim);
    json_write_text(&w, "ConditionExpression", TEXT(IS_STILL_OURS));
    json_write_raw(&w, "ExpressionAttributeNames",
                   TEXT("{\"#state\":\"state\",\"#owner\":\"owner\"}"));
    json_begin_object(&w, "ExpressionAttributeValues");
    write_string(&w, ":owner", uuid_to_text(arena, &claimant->owner));
    write_string(&w, ":in_flight", TEXT(IN_FLIGHT));
    json_end_object(&w);
    json_end_object(&w);
    return text_builder_text(&out);
}

struct text dynamodb_write_call(struct arena *arena, const struct dynamodb_claimant *claimant,
                                enum dynamodb_verb verb, const struct keystore_claim *claim)
{
    switch (verb) {
    case DYNAMODB_CLAIM:
        return write_claim(arena, claimant, claim);
    case DYNAMODB_COMPLETE:
        return write_complete(arena, claimant, claim);
    case DYNAMODB_RELEASE:
        return write_release(arena, claimant, claim);
    }
    UNREACHABLE();
}

/* ---- statements ---------------------------------------------------------------------------- */

#define WHERE_STILL_OURS " WHERE key_hash = ? AND \"owner\" = ? AND \"state\" = '" IN_FLIGHT "'"

static void write_parameter(struct json_writer *w, const char *type, struct text value)
{
    json_begin_object(w, NULL);
    json_write_text(w, type, value);
    json_end_object(w);
}

static void write_number_parameter(struct json_writer *w, int64_t value)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%lld", (long long)value);
    write_parameter(w, "N", text_of(digits));
}

static void write_insert_parameters(struct json_writer *w, struct arena *arena,
                                    const struct dynamodb_claimant *claimant,
                                    const struct keystore_claim *claim)
{
    const int64_t now_s = claimant->now_ms / 1000;
    write_parameter(w, "S", sha256_to_hex(arena, &claim->key_hash));
    write_parameter(w, "S", uuid_to_text(arena, &claimant->owner));
    write_parameter(w, "S", sha256_to_hex(arena, &claim->fingerprint));
    write_number_parameter(w, claimant->now_ms + claimant->lease_ms);
    write_number_parameter(w, now_s);
    write_number_parameter(w, now_s + claimant->ttl_s);
}

static void write_where_parameters(struct json_writer *w, struct arena *arena,
                                   const struct dynamodb_claimant *claimant,
                                   const struct keystore_claim *claim)
{
    write_parameter(w, "S", sha256_to_hex(arena, &claim->key_hash));
    write_parameter(w, "S", uuid_to_text(arena, &claimant->owner));
}

static void write_outcome_parameters(struct json_writer *w, const struct keystore_outcome *outcome)
{
    write_number_parameter(w, outcome->status);
    write_parameter(w, "S", outcome->body);
    if (!text_is_none(outcome->location))
        write_parameter(w, "S", outcome->location);
}

/* A statement is what stands before the table's name, the name, and what follows it. */
static const char *before_table(enum dynamodb_verb verb)
{
    static const char *const BEFORE[] = {
        [DYNAMODB_CLAIM] = "INSERT INTO ",
        [DYNAMODB_COMPLETE] = "UPDATE ",
        [DYNAMODB_RELEASE] = "DELETE FROM ",
    };
    return BEFORE[verb];
}

static const char *after_table(enum dynamodb_verb verb, bool has_location)
{
    switch (verb) {
    case DYNAMODB_CLAIM:
        return " VALUE {'state': '" IN_FLIGHT "', 'key_hash': ?, 'owner': ?, 'fingerprint': ?, "
               "'lease_until': ?, 'created_at': ?, 'expires_at': ?}";
    case DYNAMODB_COMPLETE:
        return has_location ? " SET \"state\" = '" DONE "' SET \"status\" = ? SET \"body\" = ? "
                              "SET \"location\" = ?" WHERE_STILL_OURS
                            : " SET \"state\" = '" DONE "' SET \"status\" = ? "
                              "SET \"body\" = ?" WHERE_STILL_OURS;
    case DYNAMODB_RELEASE:
        return WHERE_STILL_OURS;
    }
    UNREACHABLE();
}

void dynamodb_write_statement(struct json_writer *w, struct arena *arena,
                              const struct dynamodb_claimant *claimant, enum dynamodb_verb verb,
                              const struct keystore_claim *claim)
{
    const bool has_location = !text_is_none(claim->outcome.location);
    json_begin_object(w, NULL);
    json_write_text(w, "Statement",
                    text_format(arena, "%s\"%s\"%s", before_table(verb), claimant->table,
                                after_table(verb, has_location)));
    json_begin_array(w, "Parameters");
    if (verb == DYNAMODB_CLAIM)
        write_insert_parameters(w, arena, claimant, claim);
    if (verb == DYNAMODB_COMPLETE)
        write_outcome_parameters(w, &claim->outcome);
    if (verb != DYNAMODB_CLAIM)
        write_where_parameters(w, arena, claimant, claim);
    json_end_array(w);
    json_end_object(w);
}

/* ---- replies ------------------------------------------------------------------------------- */

/* The value of {"S": ..} or {"N": ..}; TEXT_NONE: there is none of this kind. */
static struct text value_of(const struct json_value *item, const char *name, const char *type)
{
    const struct json_value *attribute = json_get(item, name);
    return attribute == NULL ? TEXT_NONE : json_get_text(attribute, type);
}

static struct text string_of(const struct json_value *item, const char *name)
{
    return value_of(item, name, "S");
}

static bool read_outcome(const struct json_value *item, struct keystore_outcome *outcome_out)
{
    int64_t status = 0;
    const struct text digits = value_of(item, "status", "N");
    const struct text body = string_of(item, "body");
    if (!text_to_i64(digits, &status) || status < 200 || status > 299 || text_is_none(body))
        return false;
    *outcome_out = (struct keystore_outcome){(int)status, body, string_of(item, "location")};
    return true;
}

enum status dynamodb_read_obstacle(struct arena *arena, struct text reply,
                                   struct dynamodb_record *record_out, struct error *err)
{
    struct json_value whole;
    struct dynamodb_record record = {0};
    TRY(json_parse(arena, reply, &whole, err));
    const struct json_value *item = json_get(&whole, "Item");
    if (item == NULL)
        return error_set(err, ERR_NOT_FOUND, "the reply does not say what stood in the way");
    const struct text state = string_of(item, "state");
    record.owner = string_of(item, "owner");
    record.is_done = text_equals_c(state, DONE);
    const bool is_read = sha256_parse_hex(string_of(item, "fingerprint"), &record.fingerprint) &&
                         (record.is_done || text_equals_c(state, IN_FLIGHT)) &&
                         (!record.is_done || read_outcome(item, &record.outcome));
    if (!is_read)
        return error_set(err, ERR_BROKEN, "a key's record cannot be read");
    *record_out = record;
    return OK;
}

bool dynamodb_was_left_behind(struct arena *arena, struct text reply)
{
    struct json_value whole;
    if (json_parse(arena, reply, &whole, NULL) != OK)
        return false;
    const struct json_value *old = json_get(&whole, "Attributes");
    return old != NULL && text_equals_c(string_of(old, "state"), IN_FLIGHT);
}
