-- list_authorizations: an account's authorizations, newest first, one page.
-- param  lane            smallint
-- param  account_id      uuid
-- param  before_id       uuid
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
-- rows   at most limit
-- locks  none
SELECT c.lane, c.id, c.status, c.version, c.remaining_minor, c.decision_code, c.reasons,
       c.transaction_id, c.user_id, c.account_id, c.currency, c.requested_minor, c.approved_minor,
       c.available_minor, c.expires_at, c.saga_id, c.trace_id, c.fingerprint, c.created_at
  FROM credit_authorization c
 WHERE c.lane = $1::smallint
   AND c.account_id = $2::uuid
   AND c.id < $3::uuid
 ORDER BY c.lane DESC, c.account_id DESC, c.id DESC
 LIMIT $4::bigint;
