-- verify_balances_match_entries: a stored balance is the sum of its entries.
-- column what    text
-- column id      text
-- column detail  text
-- rows   one for each violation, the first 1001; none: it holds
SELECT 'balance', coalesce(b.lane, e.lane) || '/' || coalesce(b.ledger_account_id,
                                                              e.ledger_account_id),
       coalesce(b.layer, e.layer) || ' ' || coalesce(b.currency, e.currency)
           || ': stored ' || coalesce(b.debit_minor || '-' || b.credit_minor, 'nothing')
           || ', entries say ' || coalesce(e.debit_minor || '-' || e.credit_minor, 'nothing')
  FROM ledger.balance AS b
  FULL JOIN (SELECT lane, ledger_account_id, currency, layer,
                    coalesce(sum(amount_minor) FILTER (WHERE side = 'debit'), 0) AS debit_minor,
                    coalesce(sum(amount_minor) FILTER (WHERE side = 'credit'), 0) AS credit_minor
               FROM ledger.entry
              GROUP BY lane, ledger_account_id, currency, layer) AS e
    ON e.lane = b.lane AND e.ledger_account_id = b.ledger_account_id
   AND e.currency = b.currency AND e.layer = b.layer
 WHERE coalesce(b.debit_minor, 0) <> coalesce(e.debit_minor, 0)
    OR coalesce(b.credit_minor, 0) <> coalesce(e.credit_minor, 0)
 LIMIT 1001;
