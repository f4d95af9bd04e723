-- limit_api_key: how many requests a key may send from now on; without numbers, any.
-- param  id          uuid
-- param  rate_per_s  integer
-- param  burst       integer
-- column id          uuid
-- rows   0 (unknown, or revoked) or 1
UPDATE gateway.api_key
   SET rate_per_s = $2, burst = $3
 WHERE id = $1 AND revoked_at IS NULL
RETURNING id;
