-- verify_ledger_pending_matches_authorizations: both sides hold the same.
-- An authorization is open while a saga of it runs, or while an event that would start one is on
-- its way: in the outbox, on the bus unread, parked, an open dead letter; or may be on a bus that
-- cannot be looked into.
-- param  unseen_s  bigint  how long it may be there; 0: the bus is PostgreSQL
-- column what    text
-- column id      text
-- column detail  text
-- rows   one for each violation, the first 1001; none: it holds
WITH open_authorization AS (
    SELECT authorization_id AS id
      FROM saga.saga
     WHERE state IN ('started', 'running', 'compensating', 'stuck')
    UNION
    SELECT aggregateid
      FROM "authorization".outbox
     WHERE aggregatetype = 'authorization'
    UNION
    SELECT (m.headers::jsonb ->> 'ce_subject')::uuid
      FROM bus.bus_message AS m
      LEFT JOIN bus.bus_cursor AS c ON c.consumer_group = 'saga' AND c.topic = m.topic
                                   AND c.partition = m.partition
     WHERE m.topic LIKE '%.authorization.v1' AND m."offset" >= coalesce(c.next_offset, 0)
    UNION
    SELECT (headers::jsonb ->> 'ce_subject')::uuid
      FROM saga.parked_message
     WHERE topic LIKE '%.authorization.v1'
    UNION
    SELECT substring(headers FROM '"ce_subject" *: *"([-0-9a-f]{36})"')::uuid
      FROM saga.dead_letter
     WHERE topic LIKE '%.authorization.v1' AND redriven_at IS NULL
       AND headers ~ '"ce_subject" *: *"[-0-9a-f]{36}"'
    UNION
    SELECT id
      FROM "authorization".credit_authorization
     WHERE created_at > now() - $1::bigint * interval '1 second'
    UNION
    SELECT authorization_id
      FROM "authorization".authorization_change
     WHERE changed_at > now() - $1::bigint * interval '1 second'
)
SELECT what, id, detail
  FROM (SELECT 'authorization' AS what, coalesce(a.id, h.authorization_id)::text AS id,
               'holds ' || coalesce(a.remaining_minor::text, 'nothing') || ', the ledger has '
                   || coalesce(h.pending_minor, 0) || ' pending' AS detail
          FROM "authorization".credit_authorization AS a
          FULL JOIN ledger.hold AS h ON h.lane = a.lane AND h.authorization_id = a.id
         WHERE coalesce(a.remaining_minor, 0) <> coalesce(h.pending_minor, 0)
           AND coalesce(a.id, h.authorization_id) NOT IN (SELECT id FROM open_authorization)
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
