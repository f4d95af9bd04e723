-- list_story_keys: under which idempotency keys an authorization was answered. Nothing leads from
-- an authorization to its keys, so those of its days are all read.
-- param  days         text[]  as 2026-01-31
-- param  lane         smallint
-- param  id           uuid
-- column key_hash     text  the key itself is kept nowhere
-- column version      bigint
-- column http_status  integer
-- column created_at   timestamptz
-- rows   0 or more; a key that was answered around midnight is in both days and shown once
SELECT DISTINCT encode(key_hash, 'hex'), version, http_status::integer, created_at
  FROM "authorization".idempotency_key
 WHERE day = ANY ($1::text[]::date[])
   AND lane = $2::smallint AND authorization_id = $3::uuid
 ORDER BY created_at;
