-- verify_keys_have_one_outcome: an idempotency key has one outcome, and it is there.
-- No configuration lets a key expire within the hour, so two outcomes that close are a fault.
-- column what    text
-- column id      text
-- column detail  text
-- rows   one for each violation, the first 1001; none: it holds
SELECT what, id, detail
  FROM (SELECT 'key' AS what, encode(k.key_hash, 'hex') AS id,
               CASE WHEN a.id IS NULL THEN 'its authorization is not there'
                    WHEN k.version > a.version THEN 'answered with a version yet to come'
                    ELSE 'its authorization was another request' END AS detail
          FROM "authorization".idempotency_key AS k
          LEFT JOIN "authorization".credit_authorization AS a
            ON a.lane = k.lane AND a.id = k.authorization_id
         WHERE a.id IS NULL OR k.version > a.version
            OR (k.version = 1 AND k.fingerprint <> a.fingerprint)
        UNION ALL
        SELECT 'key', encode(one.key_hash, 'hex'), 'has two outcomes within an hour'
          FROM "authorization".idempotency_key AS one
          JOIN "authorization".idempotency_key AS two
            ON two.key_hash = one.key_hash AND two.day > one.day
         WHERE two.created_at - one.created_at < interval '1 hour'
           AND (two.authorization_id, two.version, two.fingerprint)
               <> (one.authorization_id, one.version, one.fingerprint)) AS violation
 LIMIT 1001;
