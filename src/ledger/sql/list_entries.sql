-- list_entries: one page of an account's entries, newest first.
-- param  lane              smallint
-- param  ledger_account_id uuid
-- param  chain_seq         bigint
-- param  line              smallint
-- param  limit             integer
-- column chain_seq         bigint
-- column line              smallint
-- column journal_id        uuid
-- column type              text
-- column authorization_id  uuid
-- column side              text
-- column layer             text
-- column amount_minor      bigint
-- column currency          text
-- column counterpart       text
-- column created_at        timestamptz
-- rows   up to the limit, before (chain_seq, line)
SELECT e.chain_seq, e.line, j.id AS journal_id, j.type, j.authorization_id, e.side, e.layer,
       e.amount_minor, e.currency, other.code AS counterpart, j.created_at
  FROM entry AS e
  JOIN journal AS j ON j.lane = e.lane AND j.chain_seq = e.chain_seq
  CROSS JOIN LATERAL (
       SELECT min(a.code) AS code
         FROM entry AS o
         JOIN ledger_account AS a ON a.lane = o.lane AND a.id = o.ledger_account_id
        WHERE o.lane = e.lane AND o.chain_seq = e.chain_seq
          AND o.layer = e.layer AND o.side <> e.side) AS other
 WHERE e.lane = $1::smallint AND e.ledger_account_id = $2::uuid
   AND (e.chain_seq, e.line) < ($3::bigint, $4::smallint)
 ORDER BY e.chain_seq DESC, e.line DESC
 LIMIT $5::integer;
