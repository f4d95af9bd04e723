-- save_steps: keep steps that sagas have left; the one that a saga is at stands in its own row.
-- param  lanes       smallint[]
-- param  saga_ids    uuid[]
-- param  steps       text[]
-- param  ops         text[]
-- param  states      text[]
-- param  command_ids uuid[]
-- param  tries       integer[]
-- param  started     timestamptz[]
-- param  finished    timestamptz[]
-- param  reasons     text[]
-- rows   none
INSERT INTO saga_step (lane, saga_id, step, op, state, command_id, tries, started_at, finished_at,
                       reason)
SELECT lane, saga_id, step, op, state, command_id, tries, started_at, finished_at, reason
  FROM unnest($1::smallint[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::uuid[],
              $7::integer[], $8::timestamptz[], $9::timestamptz[], $10::text[])
       AS changed (lane, saga_id, step, op, state, command_id, tries, started_at, finished_at,
                   reason)
    ON CONFLICT (lane, saga_id, step, op) DO UPDATE
   SET state = excluded.state, command_id = excluded.command_id, tries = excluded.tries,
       started_at = excluded.started_at, finished_at = excluded.finished_at,
       reason = excluded.reason;
