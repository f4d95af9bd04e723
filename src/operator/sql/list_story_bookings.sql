-- list_story_bookings: what the ledger has done about an authorization's commands.
-- param  lane          smallint
-- param  saga_ids      uuid[]
-- column saga_id       uuid
-- column step          text
-- column op            text
-- column outcome       text
-- column reason        text  or NULL
-- column amount_minor  bigint
-- column journal_id    uuid  or NULL: nothing was written
-- column created_at    timestamptz
-- rows   0 or more
SELECT saga_id, step, op, outcome, reason, amount_minor, journal_id, created_at
  FROM ledger.command_step
 WHERE lane = $1::smallint AND saga_id = ANY ($2::uuid[])
 ORDER BY created_at;
