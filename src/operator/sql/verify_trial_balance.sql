-- verify_trial_balance: all debits equal all credits, per currency and layer.
-- column what    text
-- column id      text
-- column detail  text
-- rows   one for each violation, the first 1001; none: it holds
SELECT 'ledger', currency || '/' || layer,
       'debits exceed credits by ' || sum(debit_minor) - sum(credit_minor)
  FROM ledger.balance
 GROUP BY currency, layer
HAVING sum(debit_minor) <> sum(credit_minor)
 LIMIT 1001;
