-- list_saga_steps: what a saga has done, oldest first.
-- param  saga_id      uuid
-- column step         text
-- column op           text
-- column state        text
-- column tries        text
-- column command_id   text
-- column started_at   text
-- column finished_at  text
-- column reason       text
-- rows   0 or more
SELECT step, op, state, tries::text, command_id::text,
       to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
       to_char(finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
       reason
  FROM saga.every_step
 WHERE saga_id = $1
 ORDER BY started_at, op;
