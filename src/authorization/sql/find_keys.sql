-- find_keys: which of a batch's idempotency keys have been answered, and how.
-- param  key_hashes      bytea[]
-- param  ttl_s           bigint
-- column lane            smallint
-- column id              uuid
-- column status          text
-- column version         bigint
-- column remaining_minor bigint
-- column decision_code   text
-- column reasons         text
-- column transaction_id  text
-- column user_id         text
-- column account_id      uuid
-- column currency        text
-- column requested_minor bigint
-- column approved_minor  bigint
-- column available_minor bigint
-- column expires_at      timestamptz
-- column saga_id         uuid
-- column trace_id        text
-- column fingerprint     bytea
-- column created_at      timestamptz
-- column key_hash        bytea
-- column key_fingerprint bytea
-- column key_version     bigint
-- column http_status     smallint
-- column shows_reasons   boolean
-- rows   one per answered key; two where a key was written around midnight
-- locks  none; asked after the accounts are locked, so that a batch that waited sees the winner
SELECT c.lane, c.id, c.status, c.version, c.remaining_minor, c.decision_code, c.reasons,
       c.transaction_id, c.user_id, c.account_id, c.currency, c.requested_minor, c.approved_minor,
       c.available_minor, c.expires_at, c.saga_id, c.trace_id, c.fingerprint, c.created_at,
       k.key_hash, k.fingerprint AS key_fingerprint, k.version AS key_version, k.http_status,
       k.shows_reasons
  FROM idempotency_key k
  JOIN credit_authorization c ON c.lane = k.lane AND c.id = k.authorization_id
 WHERE k.key_hash = ANY ($1::bytea[])
   -- A key that counts stands in the partition of its own day, among others: the rest is not looked
   -- at. A day is spared for a server whose clock is behind its predecessor's.
   AND k.day >= ((statement_timestamp() - make_interval(secs => $2::bigint))
                 AT TIME ZONE 'UTC')::date
   AND k.day <= (statement_timestamp() AT TIME ZONE 'UTC')::date + 1
   AND k.created_at > clock_timestamp() - make_interval(secs => $2::bigint);
