-- save_balances: add a batch's sums to the balances of their accounts.
-- param  lanes              smallint[]  each (lane, account, currency, layer) once, ascending
-- param  ledger_account_ids uuid[]
-- param  currencies         text[]
-- param  layers             text[]
-- param  debits_minor       bigint[]
-- param  credits_minor      bigint[]
-- rows   0
-- locks  balance, ascending, within lanes whose chain heads are locked
INSERT INTO balance AS b (lane, ledger_account_id, currency, layer, debit_minor, credit_minor)
SELECT *
  FROM unnest($1::smallint[], $2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::bigint[])
    ON CONFLICT (lane, ledger_account_id, currency, layer) DO UPDATE
   SET debit_minor = b.debit_minor + excluded.debit_minor,
       credit_minor = b.credit_minor + excluded.credit_minor;
