-- verify_ledger_pending_matches_authorizations: both sides hold the same.
-- Open authorizations are left out: what is missing may still be on its way. So are those that an
-- operator has given up.
-- param  unseen_s  bigint  how long it may be there; 0: the bus is PostgreSQL
-- column what    text
-- column id      text
-- column detail  text
-- rows   one for each violation, the first 1001; none: it holds
SELECT what, id, detail
  FROM (SELECT 'authorization' AS what, coalesce(a.id, h.authorization_id)::text AS id,
               'holds ' || coalesce(a.remaining_minor::text, 'nothing') || ', the ledger has '
                   || coalesce(h.pending_minor, 0) || ' pending' AS detail
          FROM "authorization".credit_authorization AS a
          FULL JOIN ledger.hold AS h ON h.lane = a.lane AND h.authorization_id = a.id
         WHERE coalesce(a.remaining_minor, 0) <> coalesce(h.pending_minor, 0)
           AND coalesce(a.id, h.authorization_id)
               NOT IN (SELECT id FROM operator.open_authorization($1::bigint)
                      UNION SELECT id FROM operator.given_up_authorization())
        UNION ALL
        SELECT 'account', coalesce(b.ledger_account_id, h.account_id)::text,
               'has ' || coalesce(b.pending_minor, 0) || ' pending, its holds '
                   || coalesce(h.pending_minor, 0)
          FROM (SELECT b.lane, b.ledger_account_id,
                       sum(b.debit_minor - b.credit_minor) AS pending_minor
                  FROM ledger.balance AS b
                  JOIN ledger.ledger_account AS l ON l.lane = b.lane AND l.id = b.ledger_account_id
                 WHERE b.layer = 'pending' AND l.kind = 'cardholder_receivable'
                 GROUP BY b.lane, b.ledger_account_id) AS b
          FULL JOIN (SELECT lane, account_id, sum(pending_minor) AS pending_minor
                       FROM ledger.hold
                      GROUP BY lane, account_id) AS h
            ON h.lane = b.lane AND h.account_id = b.ledger_account_id
         WHERE coalesce(b.pending_minor, 0) <> coalesce(h.pending_minor, 0)) AS violation
 LIMIT 1001;
