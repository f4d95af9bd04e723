#include "platform/bus/sns_names.h"

#include "base/arena.h"

#include <ctype.h>

static const char FIFO[] = ".fifo";

/* A prefix may have dots; dashes stand for them. */
static enum status finish(struct arena *arena, struct text wanted, struct text *name_out,
                          struct error *err)
{
    struct text_builder name;
    text_builder_init(&name, arena, wanted.size + sizeof FIFO);
    for (size_t at = 0; at < wanted.size; at++) {
        const char c = wanted.data[at];
        if (!isalnum((unsigned char)c) && c != '.' && c != '-' && c != '_')
            return error_set(err, ERR_INVALID, "'%.*s' cannot be a name at SNS and SQS",
                             TEXT_ARGS(wanted));
        text_builder_add_c(&name, (const char[]){c == '.' ? '-' : c, '\0'});
    }
    text_builder_add_c(&name, FIFO);
    if (name.size > SNS_NAME_SIZE_MAX)
        return error_set(err, ERR_INVALID, "'%.*s' is too long a name for SQS: %d characters",
                         TEXT_ARGS(text_builder_text(&name)), SNS_NAME_SIZE_MAX);
    *name_out = text_builder_text(&name);
    return OK;
}

enum status sns_name_topic(struct arena *arena, struct text topic, struct text *name_out,
                           struct error *err)
{
    return finish(arena, topic, name_out, err);
}

enum status sns_name_queue(struct arena *arena, const char *prefix, const char *group,
                           struct text *name_out, struct error *err)
{
    const struct text wanted =
        prefix == NULL ? text_of(group) : text_format(arena, "%s-%s", prefix, group);
    return finish(arena, wanted, name_out, err);
}

enum status sns_name_dead_letter_queue(struct arena *arena, struct text name, struct text *name_out,
                                       struct error *err)
{
    const struct text stem = {name.data, name.size - (sizeof FIFO - 1)};
    return finish(arena, text_format(arena, "%.*s-dlq", TEXT_ARGS(stem)), name_out, err);
}

struct text sns_arn_beside(struct arena *arena, struct text arn, const char *service,
                           struct text name)
{
    struct text rest = arn;
    const struct text scheme = text_cut(&rest, ':');
    const struct text partition = text_cut(&rest, ':');
    text_cut(&rest, ':');
    const struct text region = text_cut(&rest, ':');
    const struct text account = text_cut(&rest, ':');
    if (!text_equals_c(scheme, "arn") || text_is_none(rest))
        return TEXT_NONE;
    return text_format(arena, "arn:%.*s:%s:%.*s:%.*s:%.*s", TEXT_ARGS(partition), service,
                       TEXT_ARGS(region), TEXT_ARGS(account), TEXT_ARGS(name));
}
