-- save_balances: add a batch's entries to the balances of their accounts.
-- param  lanes              smallint[]
-- param  ledger_account_ids uuid[]
-- param  sides              text[]
-- param  layers             text[]
-- param  amounts_minor      bigint[]
-- param  currencies         text[]
-- rows   0
-- locks  balance, ascending, within lanes whose chain heads are locked
INSERT INTO balance AS b (lane, ledger_account_id, currency, layer, debit_minor, credit_minor)
SELECT e.lane, e.ledger_account_id, e.currency, e.layer,
       coalesce(sum(e.amount_minor) FILTER (WHERE e.side = 'debit'), 0),
       coalesce(sum(e.amount_minor) FILTER (WHERE e.side = 'credit'), 0)
  FROM unnest($1::smallint[], $2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::text[])
       AS e (lane, ledger_account_id, side, layer, amount_minor, currency)
 GROUP BY e.lane, e.ledger_account_id, e.currency, e.layer
 ORDER BY e.lane, e.ledger_account_id, e.currency, e.layer
    ON CONFLICT (lane, ledger_account_id, currency, layer) DO UPDATE
   SET debit_minor = b.debit_minor + excluded.debit_minor,
       credit_minor = b.credit_minor + excluded.credit_minor;
