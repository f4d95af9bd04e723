-- list_story_changes: what became of an authorization after its decision, in order.
-- param  lane          smallint
-- param  id            uuid
-- column version       bigint
-- column status        text  afterwards
-- column amount_minor  bigint
-- column changed_by    text
-- column reason        text
-- column trace_id      text
-- column changed_at    timestamptz
-- rows   0 or more
SELECT version, status, amount_minor, changed_by, reason, trace_id, changed_at
  FROM "authorization".authorization_change
 WHERE lane = $1::smallint AND authorization_id = $2::uuid
 ORDER BY version;
