-- lock_accounts: read ledger accounts and lock them, so that no freeze passes a hold under way.
-- param  lanes    smallint[]
-- param  ids      uuid[]
-- column lane     smallint
-- column id       uuid
-- column status   text
-- column currency text
-- rows   one per account that exists
-- locks  ledger_account in (lane, id) order, after chain_head
SELECT a.lane, a.id, a.status, a.currency
  FROM unnest($1::smallint[], $2::uuid[]) AS wanted (lane, id)
  JOIN ledger_account AS a ON a.lane = wanted.lane AND a.id = wanted.id
 ORDER BY a.lane, a.id
   FOR NO KEY UPDATE OF a;
