#include "domain/lane.h"

#include "base/assert.h"
#include "base/sha256.h"

enum { LANE_MASK = LANE_COUNT - 1, LAST = sizeof(struct uuid) - 1 };
_Static_assert((LANE_COUNT & LANE_MASK) == 0, "a lane is a run of whole bits");

int lane_of(const struct uuid *id)
{
    return id->bytes[LAST] & LANE_MASK;
}

struct uuid account_id_of(struct text tenant, struct text user_id)
{
    ASSERT(tenant.size > 0);
    ASSERT(user_id.size > 0);
    const struct text parts[] = {tenant, user_id};
    const struct sha256 digest = sha256_of_parts(parts, COUNT(parts));
    return uuid_from_digest(digest.bytes);
}

struct uuid authorization_id_make(int lane)
{
    ASSERT(lane >= 0);
    ASSERT(lane < LANE_COUNT);
    struct uuid id = uuid_make_v7();
    id.bytes[LAST] = (uint8_t)((id.bytes[LAST] & ~LANE_MASK) | lane);
    return id;
}
