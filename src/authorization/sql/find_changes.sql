-- find_changes: what became of authorizations after their decision, in order.
-- param  lanes            smallint[]
-- param  ids              uuid[]
-- column authorization_id uuid
-- column version          bigint
-- column status           text
-- column amount_minor     bigint
-- column changed_by       text
-- column reason           text
-- column changed_at       timestamptz
-- rows   one per change
-- locks  none
SELECT h.authorization_id, h.version, h.status, h.amount_minor, h.changed_by, h.reason, h.changed_at
  FROM unnest($1::smallint[], $2::uuid[]) AS wanted (lane, id)
  JOIN authorization_change h ON h.lane = wanted.lane AND h.authorization_id = wanted.id
 ORDER BY h.lane, h.authorization_id, h.version;
