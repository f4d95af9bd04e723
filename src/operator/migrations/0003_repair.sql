-- 0003_repair: what operators look at to repair, and what they have given up.

-- All columns that there are by now.
CREATE OR REPLACE VIEW dead_letter AS
SELECT 'authorization' AS room, l.* FROM "authorization".dead_letter AS l
UNION ALL
SELECT 'ledger', l.* FROM ledger.dead_letter AS l
UNION ALL
SELECT 'saga', l.* FROM saga.dead_letter AS l;

CREATE OR REPLACE VIEW parked_message AS
SELECT 'authorization' AS room, m.* FROM "authorization".parked_message AS m
UNION ALL
SELECT 'ledger', m.* FROM ledger.parked_message AS m
UNION ALL
SELECT 'saga', m.* FROM saga.parked_message AS m;

CREATE VIEW parked_key AS
SELECT 'authorization' AS room, k.* FROM "authorization".parked_key AS k
UNION ALL
SELECT 'ledger', k.* FROM ledger.parked_key AS k
UNION ALL
SELECT 'saga', k.* FROM saga.parked_key AS k;

CREATE VIEW outbox AS
SELECT 'authorization' AS room, o.* FROM "authorization".outbox AS o
UNION ALL
SELECT 'ledger', o.* FROM ledger.outbox AS o
UNION ALL
SELECT 'saga', o.* FROM saga.outbox AS o;

-- An authorization is given up when a saga of it was abandoned, or when the event that would have
-- started one was discarded. What the services then have of it may differ for good, so nothing is
-- expected of it; `verify` counts both, and sees that each was an operator's deed.
CREATE FUNCTION given_up_authorization() RETURNS TABLE (id uuid) LANGUAGE sql STABLE AS $$
    SELECT authorization_id AS id
      FROM saga.saga
     WHERE state = 'abandoned' AND state <> 'completed'
    UNION
    SELECT substring(headers FROM '"ce_subject" *: *"([-0-9a-f]{36})"')::uuid
      FROM saga.dead_letter
     WHERE topic LIKE '%.authorization.v1' AND discarded_at = redriven_at
       AND headers ~ '"ce_subject" *: *"[-0-9a-f]{36}"'
$$;
