-- revoke_api_key: close a key for ever; one that is closed keeps its time.
-- param  id  uuid
-- column id  uuid
-- rows   0 (unknown) or 1
UPDATE gateway.api_key
   SET revoked_at = coalesce(revoked_at, clock_timestamp())
 WHERE id = $1
RETURNING id;
