#include "hop_received.h"

#include "authorization/item_json.h"
#include "base/arena.h"

static struct received_amount amount_of(const struct asked_amount *amount)
{
    return (struct received_amount){amount->given, amount->is_minor, amount->decimal};
}

static struct received view(const struct item *item)
{
    static const char *const OPS[] = {
        [ITEM_AUTHORIZE] = "authorize",
        [ITEM_VOID] = "void",
        [ITEM_PUT_ACCOUNT] = "put_account",
    };
    return (struct received){
        .op = OPS[item->op],
        .has_key = item->has_key,
        .has_status = item->has_status,
        .request_id = item->request_id,
        .authorization_id = item->authorization_id,
        .trace = item->trace,
        .user_id = item->user_id,
        .transaction_id = item->transaction_id,
        .currency = item->currency,
        .expires_in_s = item->expires_in_s,
        .amount = amount_of(&item->amount),
        .limit = amount_of(&item->limit),
    };
}

enum status hop_receive(struct arena *arena, struct text body, struct received **received_out,
                        size_t *count_out, struct error *err)
{
    struct item *items = NULL;
    size_t count = 0;
    TRY(items_parse(arena, body, &items, &count, err));
    struct received *received = ARENA_NEW_ARRAY(arena, struct received, count);
    for (size_t at = 0; at < count; at++)
        received[at] = view(&items[at]);
    *received_out = received;
    *count_out = count;
    return OK;
}
