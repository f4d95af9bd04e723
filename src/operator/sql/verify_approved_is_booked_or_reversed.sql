-- verify_approved_is_booked_or_reversed: every approval ends booked or reversed.
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
         WHERE a.decision = 'approved' AND a.id NOT IN (SELECT id FROM open_authorization)
       ) AS violation
 WHERE detail IS NOT NULL
 LIMIT 1001;
