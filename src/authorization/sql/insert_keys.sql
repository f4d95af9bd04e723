-- insert_keys: idempotency keys and how they were answered; an expired key starts anew.
-- param  key_hashes        bytea[]
-- param  days              timestamptz[]
-- param  fingerprints      bytea[]
-- param  lanes             smallint[]
-- param  authorization_ids uuid[]
-- param  versions          bigint[]
-- param  http_statuses     smallint[]
-- param  shows_reasons     boolean[]
-- param  created_at        timestamptz
-- param  ttl_s             bigint
-- rows   none; 23505 where another batch answered one of them meanwhile
-- locks  the unique index, in ascending key order
INSERT INTO idempotency_key
       (day, key_hash, fingerprint, lane, authorization_id, version, http_status, shows_reasons,
        created_at)
SELECT (v.day AT TIME ZONE 'UTC')::date, v.key_hash, v.fingerprint, v.lane, v.authorization_id,
       v.version, v.http_status, v.shows_reasons, $9::timestamptz
  FROM unnest($1::bytea[], $2::timestamptz[], $3::bytea[], $4::smallint[], $5::uuid[],
              $6::bigint[], $7::smallint[], $8::boolean[])
       AS v (key_hash, day, fingerprint, lane, authorization_id, version, http_status,
             shows_reasons)
 ORDER BY v.key_hash, v.day
    ON CONFLICT (key_hash, day) DO UPDATE
   SET fingerprint = CASE WHEN idempotency_key.created_at
                               <= $9::timestamptz - make_interval(secs => $10::bigint)
                          THEN excluded.fingerprint
                          ELSE idempotency_key_taken() END,
       lane = excluded.lane, authorization_id = excluded.authorization_id,
       version = excluded.version, http_status = excluded.http_status,
       shows_reasons = excluded.shows_reasons, created_at = excluded.created_at;
