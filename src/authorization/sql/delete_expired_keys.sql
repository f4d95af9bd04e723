-- delete_expired_keys: keys whose time is over, so that they can be inserted anew. Most are dropped
-- with their day (rotate_keys); this is for those that are asked for again before.
-- param  key_hashes      bytea[]
-- param  ttl_s           bigint
-- rows   affected: those that had expired
-- locks  the rows, in ascending (day, key_hash); in an SQL transaction of its own
WITH expired AS (
    SELECT k.day, k.key_hash
      FROM idempotency_key k
     WHERE k.key_hash = ANY ($1::bytea[])
       AND k.created_at <= clock_timestamp() - make_interval(secs => $2::bigint)
     ORDER BY k.day, k.key_hash
       FOR UPDATE
)
DELETE FROM idempotency_key k
 USING expired
 WHERE k.day = expired.day
   AND k.key_hash = expired.key_hash;
