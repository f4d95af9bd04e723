-- verify_journals_balance: every journal has entries and balances, per currency and layer.
-- column what    text
-- column id      text
-- column detail  text
-- rows   one for each violation, the first 1001; none: it holds
SELECT 'journal', coalesce(j.id::text, e.lane || '/' || e.chain_seq),
       CASE WHEN j.id IS NULL THEN 'has entries but is not there'
            WHEN e.chain_seq IS NULL THEN 'has no entries'
            WHEN e.currency <> j.currency THEN 'has entries in ' || e.currency
            ELSE e.layer || ' debits exceed credits by ' || e.excess_minor || ' ' || e.currency END
  FROM ledger.journal AS j
  FULL JOIN (SELECT lane, chain_seq, currency, layer,
                    sum(CASE side WHEN 'debit' THEN amount_minor ELSE -amount_minor END)
                        AS excess_minor
               FROM ledger.entry
              GROUP BY lane, chain_seq, currency, layer) AS e
    ON e.lane = j.lane AND e.chain_seq = j.chain_seq
 WHERE j.id IS NULL OR e.chain_seq IS NULL OR e.excess_minor <> 0 OR e.currency <> j.currency
 LIMIT 1001;
