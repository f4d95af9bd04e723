-- list_story_entries: every line that was written about an authorization, journal by journal.
-- param  lane              smallint
-- param  account_id        uuid
-- param  authorization_id  uuid
-- column journal_id        uuid
-- column side              text
-- column code              text
-- column layer             text
-- column amount_minor      bigint
-- rows   0 or more
SELECT j.id, e.side, a.code, e.layer, e.amount_minor
  FROM (SELECT DISTINCT own.lane, own.chain_seq
          FROM ledger.entry AS own
         WHERE own.lane = $1::smallint AND own.ledger_account_id = $2::uuid) AS of_account
  JOIN ledger.journal AS j
    ON j.lane = of_account.lane AND j.chain_seq = of_account.chain_seq
   AND j.authorization_id = $3::uuid
  JOIN ledger.entry AS e ON e.lane = j.lane AND e.chain_seq = j.chain_seq
  JOIN ledger.ledger_account AS a ON a.lane = e.lane AND a.id = e.ledger_account_id
 ORDER BY e.chain_seq, e.line;
