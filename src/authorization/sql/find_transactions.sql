-- find_transactions: which of a batch's transaction ids have been decided.
-- param  transaction_keys uuid[]
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
-- rows   one per decided transaction
-- locks  none; asked after the accounts are locked
SELECT c.lane, c.id, c.status, c.version, c.remaining_minor, c.decision_code, c.reasons,
       c.transaction_id, c.user_id, c.account_id, c.currency, c.requested_minor, c.approved_minor,
       c.available_minor, c.expires_at, c.saga_id, c.trace_id, c.fingerprint, c.created_at
  FROM decided_transaction t
  JOIN credit_authorization c ON c.lane = t.lane AND c.id = t.authorization_id
 WHERE t.transaction_key = ANY ($1::uuid[]);
