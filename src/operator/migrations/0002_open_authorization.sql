-- 0002_open_authorization: which authorizations are still on their way between services.

-- One is open while a saga of it runs, or while an event that would start one is on its way: in the
-- outbox, on the bus unread, parked, an open dead letter; or for unseen_s seconds, in which it may
-- be on a bus that cannot be looked into (0: the bus is PostgreSQL). It becomes part of whatever
-- query asks: no SECURITY DEFINER and no setting, or the planner could not look inside.
CREATE FUNCTION open_authorization(unseen_s bigint) RETURNS TABLE (id uuid)
LANGUAGE sql STABLE AS $$
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
     WHERE created_at > now() - unseen_s * interval '1 second'
    UNION
    SELECT authorization_id
      FROM "authorization".authorization_change
     WHERE changed_at > now() - unseen_s * interval '1 second'
$$;
