#include "operator/dead_letters/dead_letters.h"

#include "base/arena.h"
#include "operator/operator_sql.h"
#include "platform/bus/message.h"

static void add_optional_uuid(struct sql_args *args, const struct uuid *id)
{
    if (id == NULL)
        sql_add_null(args);
    else
        sql_add_uuid(args, id);
}

static void add_optional_time(struct sql_args *args, int64_t time_us)
{
    if (time_us == 0)
        sql_add_null(args);
    else
        sql_add_time(args, time_us);
}

static void add_state(struct sql_args *args, enum letter_state state)
{
    if (state == LETTER_ANY)
        sql_add_null(args);
    else
        sql_add_bool(args, state == LETTER_OPEN);
}

static void add_ids(struct sql_args *args, const struct letter_question *question)
{
    struct sql_array ids;
    if (question->ids == NULL) {
        sql_add_null(args);
        return;
    }
    sql_array_init(&ids, args->arena, SQL_UUID, question->id_count);
    for (size_t at = 0; at < question->id_count; at++)
        sql_array_add_uuid(&ids, &question->ids[at]);
    sql_add_array(args, &ids);
}

enum status dead_letters_find(const struct dead_letters *letters,
                              const struct letter_question *question, struct sql_rows *rows_out,
                              struct error *err)
{
    struct sql_args args;
    sql_args_init(&args, letters->arena);
    sql_add_text(&args, question->group);
    sql_add_text(&args, question->class);
    sql_add_text(&args, question->code);
    sql_add_text(&args, question->type);
    add_optional_uuid(&args, question->key);
    add_optional_time(&args, question->since_us);
    add_optional_time(&args, question->until_us);
    add_state(&args, question->state);
    add_ids(&args, question);
    add_optional_uuid(&args, question->after);
    sql_add_bool(&args, question->in_bus_order);
    sql_add_i64(&args, question->count_max);
    TRY(db_run_one(letters->db, SQL_LIST_DEAD_LETTERS, &args, err));
    *rows_out = db_rows(letters->db, 0);
    return OK;
}

bool dead_letters_read_ids(struct arena *arena, char *const *words, size_t count,
                           const struct uuid **ids_out, const char **bad_out)
{
    struct uuid *ids = ARENA_NEW_ARRAY(arena, struct uuid, count);
    for (size_t at = 0; at < count; at++) {
        if (uuid_parse(text_of(words[at]), &ids[at]))
            continue;
        *bad_out = words[at];
        return false;
    }
    *ids_out = ids;
    return true;
}

struct text dead_letters_type(struct text ce_type)
{
    const struct text name = message_event_name(ce_type);
    return text_is_none(name) ? ce_type : name;
}
