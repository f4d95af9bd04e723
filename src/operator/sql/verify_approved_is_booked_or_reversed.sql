-- verify_approved_is_booked_or_reversed: every approval ends booked or reversed.
-- Open authorizations are left out: what is missing may still be on its way. So are those that an
-- operator has given up.
-- param  unseen_s  bigint  how long it may be there; 0: the bus is PostgreSQL
-- column what    text
-- column id      text
-- column detail  text
-- rows   one for each violation, the first 1001; none: it holds
SELECT what, id, detail
  FROM (SELECT 'authorization' AS what, a.id::text AS id,
               CASE WHEN s.id IS NULL THEN 'nothing books it: no saga, and no event on its way'
                    WHEN s.state = 'completed' AND h.journal_id IS NULL
                    THEN 'its saga is completed but the ledger has no entries of it'
                    WHEN s.state <> 'completed' AND a.status = 'approved'
                    THEN 'its saga is ' || s.state || ' but it still holds credit' END AS detail
          FROM "authorization".credit_authorization AS a
          LEFT JOIN saga.saga AS s
            ON s.lane = a.lane AND s.authorization_id = a.id AND s.type = 'authorize'
          LEFT JOIN ledger.hold AS h ON h.lane = a.lane AND h.authorization_id = a.id
         WHERE a.decision = 'approved'
           AND a.id NOT IN (SELECT id FROM operator.open_authorization($1::bigint)
                      UNION SELECT id FROM operator.given_up_authorization())
       ) AS violation
 WHERE detail IS NOT NULL
 LIMIT 1001;
