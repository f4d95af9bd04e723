/* hop_received.h - what the authorization service understands of a hop.
 *
 * The two ends of the hop are two rooms, whose headers do not go into one file. */
#ifndef TESTS_FUZZ_HOP_RECEIVED_H
#define TESTS_FUZZ_HOP_RECEIVED_H

#include "base/error.h"
#include "base/trace_context.h"
#include "base/uuid.h"
#include "domain/money.h"

struct received_amount {
    bool given;
    bool is_minor;
    struct decimal decimal;
};

struct received {
    const char *op; /* as the door names it */
    bool has_key;
    bool has_status;
    struct uuid request_id;
    struct uuid authorization_id; /* void */
    struct trace_context trace;
    struct text user_id;
    struct text transaction_id;
    const struct currency *currency;
    int64_t expires_in_s;
    struct received_amount amount;
    struct received_amount limit;
};

enum status hop_receive(struct arena *arena, struct text body, struct received **received_out,
                        size_t *count_out, struct error *err);

#endif
