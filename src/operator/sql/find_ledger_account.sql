-- find_ledger_account: an account of the ledger with its two balances.
-- param  lane           smallint
-- param  id             uuid
-- column code           text
-- column currency       text
-- column status         text
-- column pending_minor  bigint
-- column posted_minor   bigint
-- rows   0 (its first hold has not come yet) or 1
SELECT a.code, a.currency, a.status,
       coalesce(sum(b.debit_minor - b.credit_minor) FILTER (WHERE b.layer = 'pending'), 0)::bigint,
       coalesce(sum(b.debit_minor - b.credit_minor) FILTER (WHERE b.layer = 'posted'), 0)::bigint
  FROM ledger.ledger_account AS a
  LEFT JOIN ledger.balance AS b ON b.lane = a.lane AND b.ledger_account_id = a.id
 WHERE a.lane = $1 AND a.id = $2
 GROUP BY a.lane, a.id;
