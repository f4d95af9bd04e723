/* message_sample.h - a message and an arena, for tests of the forms in which messages travel. */
#ifndef TESTS_UNIT_PLATFORM_MESSAGE_SAMPLE_H
#define TESTS_UNIT_PLATFORM_MESSAGE_SAMPLE_H

#include "check.h"

#include "base/arena.h"
#include "platform/bus/message.h"

static struct arena *arena;

static int make_arena(void **state)
{
    (void)state;
    arena = arena_new(1024 * 1024);
    return 0;
}

static int free_arena(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static struct uuid id_of(const char *text)
{
    struct uuid id;
    assert_true(uuid_parse(text_of(text), &id));
    return id;
}

/* An event of a saga's first step. */
static struct message sample(void)
{
    return (struct message){
        .topic = TEXT("tallystick.authorization.v1"),
        .key = id_of("00000000-0000-8000-8000-00000000002a"),
        .id = id_of("0192f0c0-0000-7000-8000-000000000001"),
        .type = TEXT("dev.tallystick.authorization.approved.v1"),
        .source = TEXT("/tallystick/authorization"),
        .subject = id_of("0192f0c0-0000-7000-8000-00000000006a"),
        .time_us = 1700000000000001,
        .sequence = 7,
        .tenant = TEXT("default"),
        .saga_id = id_of("0192f0c0-0000-7000-8000-000000000003"),
        .traceparent = TEXT("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        .tracestate = TEXT("rojo=1,congo=2"),
        .payload = TEXT("{}"),
    };
}

#endif
