#include "../hop_received.h"
#include "../oracle.h"
#include "domain/idempotency.h"
#include "domain/money.h"
#include "gateway/hop_message.h"

struct text __real_money_format(int64_t minor, int exponent, char *out);
struct text __wrap_money_format(int64_t minor, int exponent, char *out);
enum status __real_hop_receive(struct arena *arena, struct text body,
                               struct received **received_out, size_t *count_out,
                               struct error *err);
enum status __wrap_hop_receive(struct arena *arena, struct text body,
                               struct received **received_out, size_t *count_out,
                               struct error *err);
enum status __real_hop_message_read(struct arena *arena, struct text body,
                                    struct hop_item *const *items, size_t count, struct error *err);
enum status __wrap_hop_message_read(struct arena *arena, struct text body,
                                    struct hop_item *const *items, size_t count, struct error *err);
enum problem_code __real_idempotency_key_parse(struct arena *arena, struct text header,
                                               struct text *key_out);
enum problem_code __wrap_idempotency_key_parse(struct arena *arena, struct text header,
                                               struct text *key_out);

struct text __wrap_money_format(int64_t minor, int exponent, char *out)
{
    return __real_money_format(minor, fuzz_lie() == 1 ? 0 : exponent, out);
}

enum status __wrap_hop_receive(struct arena *arena, struct text body,
                               struct received **received_out, size_t *count_out, struct error *err)
{
    const enum status status = __real_hop_receive(arena, body, received_out, count_out, err);
    if (fuzz_lie() == 2 && status == OK)
        (*received_out)->currency = NULL;
    return status;
}

enum status __wrap_hop_message_read(struct arena *arena, struct text body,
                                    struct hop_item *const *items, size_t count, struct error *err)
{
    const enum status status = __real_hop_message_read(arena, body, items, count, err);
    if (fuzz_lie() == 3 && status == OK)
        items[count - 1]->answer.status = 0;
    return status;
}

enum problem_code __wrap_idempotency_key_parse(struct arena *arena, struct text header,
                                               struct text *key_out)
{
    const enum problem_code code = __real_idempotency_key_parse(arena, header, key_out);
    if (fuzz_lie() == 4 && code != PROBLEM_NONE) {
        *key_out = header;
        return PROBLEM_NONE;
    }
    return code;
}
