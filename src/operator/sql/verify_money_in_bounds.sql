-- verify_money_in_bounds: every amount has a known currency and is within its bounds.
-- param  currencies   text[]
-- param  amount_max   bigint
-- column what    text
-- column id      text
-- column detail  text
-- rows   one for each violation, the first 1001; none: it holds
SELECT what, id, detail
  FROM (SELECT 'account' AS what, id::text AS id,
               limit_minor || ', ' || held_minor || ', ' || posted_minor || ' ' || currency
                   AS detail
          FROM "authorization".account
         WHERE currency NOT IN (SELECT unnest($1::text[]))
            OR limit_minor NOT BETWEEN 0 AND $2::bigint
            OR held_minor < 0
        UNION ALL
        SELECT 'authorization', id::text,
               requested_minor || ', ' || approved_minor || ', ' || remaining_minor || ' '
                   || currency
          FROM "authorization".credit_authorization
         WHERE currency NOT IN (SELECT unnest($1::text[]))
            OR requested_minor NOT BETWEEN 1 AND $2::bigint
            OR approved_minor NOT BETWEEN 0 AND requested_minor
            OR remaining_minor NOT BETWEEN 0 AND approved_minor
        UNION ALL
        SELECT 'entry', lane || '/' || chain_seq || '/' || line, amount_minor || ' ' || currency
          FROM ledger.entry
         WHERE currency NOT IN (SELECT unnest($1::text[]))
            OR amount_minor NOT BETWEEN 1 AND $2::bigint
        UNION ALL
        SELECT 'balance', lane || '/' || ledger_account_id,
               debit_minor || ', ' || credit_minor || ' ' || currency
          FROM ledger.balance
         WHERE currency NOT IN (SELECT unnest($1::text[]))
            OR debit_minor < 0 OR credit_minor < 0) AS violation
 LIMIT 1001;
