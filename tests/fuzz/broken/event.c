#include "../oracle.h"
#include "ledger/command.h"
#include "platform/bus/message_structured.h"
#include "platform/messaging/consumer.h"
#include "saga/heard.h"

enum status __real_message_parse_headers(struct arena *arena, struct text headers,
                                         struct message *message_out, struct error *err);
enum status __wrap_message_parse_headers(struct arena *arena, struct text headers,
                                         struct message *message_out, struct error *err);
enum status __real_message_parse_structured(struct arena *arena, struct text body,
                                            struct message *message_out, struct error *err);
enum status __wrap_message_parse_structured(struct arena *arena, struct text body,
                                            struct message *message_out, struct error *err);
enum status __real_ledger_command_parse(struct arena *arena, const struct delivery *delivery,
                                        struct ledger_command *command_out, struct error *err);
enum status __wrap_ledger_command_parse(struct arena *arena, const struct delivery *delivery,
                                        struct ledger_command *command_out, struct error *err);
struct heard __real_heard_read(struct arena *arena, struct delivery *delivery, struct error *err);
struct heard __wrap_heard_read(struct arena *arena, struct delivery *delivery, struct error *err);

enum status __wrap_message_parse_headers(struct arena *arena, struct text headers,
                                         struct message *message_out, struct error *err)
{
    static int count;
    const enum status status = __real_message_parse_headers(arena, headers, message_out, err);
    if (fuzz_lie() == 1 && status == OK)
        message_out->sequence += count++;
    return status;
}

enum status __wrap_message_parse_structured(struct arena *arena, struct text body,
                                            struct message *message_out, struct error *err)
{
    const enum status status = __real_message_parse_structured(arena, body, message_out, err);
    if (fuzz_lie() == 2 && status == OK)
        message_out->payload = TEXT("{\"lost\":true}");
    return status;
}

enum status __wrap_ledger_command_parse(struct arena *arena, const struct delivery *delivery,
                                        struct ledger_command *command_out, struct error *err)
{
    const enum status status = __real_ledger_command_parse(arena, delivery, command_out, err);
    if (fuzz_lie() == 3 && status == OK)
        command_out->amount_minor = -command_out->amount_minor;
    return status;
}

struct heard __wrap_heard_read(struct arena *arena, struct delivery *delivery, struct error *err)
{
    struct heard heard = __real_heard_read(arena, delivery, err);
    if (fuzz_lie() == 4)
        heard.saga_id = heard.authorization_id;
    return heard;
}
