-- find_due_holds: the holds of locked accounts whose time is over, oldest first.
-- param  lanes           smallint[]
-- param  account_ids     uuid[]
-- param  now             timestamptz
-- param  limit           bigint
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
-- rows   at most limit; what is left is due again in the next batch
-- locks  none; the accounts are locked
SELECT c.lane, c.id, c.status, c.version, c.remaining_minor, c.decision_code, c.reasons,
       c.transaction_id, c.user_id, c.account_id, c.currency, c.requested_minor, c.approved_minor,
       c.available_minor, c.expires_at, c.saga_id, c.trace_id, c.fingerprint, c.created_at
  FROM unnest($1::smallint[], $2::uuid[]) AS wanted (lane, id)
  JOIN credit_authorization c ON c.lane = wanted.lane AND c.account_id = wanted.id
 WHERE c.remaining_minor > 0
   AND c.expires_at <= $3::timestamptz
 ORDER BY c.expires_at, c.id
 LIMIT $4::bigint;
