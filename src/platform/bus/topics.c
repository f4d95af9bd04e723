#include "platform/bus/topics.h"

#include "base/arena.h"
#include "base/assert.h"

static const struct {
    const char *aggregate_type;
    bool has_consumer; /* of ours */
} TOPICS[] = {
    {"authorization", true}, {"ledger", true},          {"account", false},
    {"saga", false},         {"ledger.commands", true}, {"authorization.commands", true},
};

static const char DEAD_LETTERS[] = ".dlq";

struct text topic_of_dead_letters(struct arena *arena, struct text topic)
{
    return text_format(arena, "%.*s%s", TEXT_ARGS(topic), DEAD_LETTERS);
}

bool topic_is_of_dead_letters(struct text topic)
{
    const size_t size = sizeof DEAD_LETTERS - 1;
    return topic.size > size && text_equals_c(text_skip(topic, topic.size - size), DEAD_LETTERS);
}

struct topic_list topics_all(struct arena *arena, const char *prefix)
{
    struct topic_list list = {.count = 0};
    for (size_t at = 0; at < COUNT(TOPICS); at++) {
        const struct text name = text_format(arena, "%s.%s.v1", prefix, TOPICS[at].aggregate_type);
        list.names[list.count++] = name;
        if (TOPICS[at].has_consumer)
            list.names[list.count++] = topic_of_dead_letters(arena, name);
    }
    ASSERT(list.count <= TOPICS_MAX);
    return list;
}
