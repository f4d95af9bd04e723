-- read_steps: the steps of some sagas, in the order they began.
-- param  lanes       smallint[]
-- param  saga_ids    uuid[]
-- column saga_id     uuid
-- column step        text
-- column op          text
-- column state       text
-- column command_id  uuid
-- column tries       integer
-- column started_at  timestamptz
-- column finished_at timestamptz
-- column reason      text
-- rows   those of one saga follow each other
-- LATERAL, so that both halves of the view are asked for each saga and neither is read as a whole.
SELECT step.saga_id, step.step, op, state, command_id, tries, started_at, finished_at, reason
  FROM unnest($1::smallint[], $2::uuid[]) AS wanted (lane, saga_id)
 CROSS JOIN LATERAL (
       SELECT *
         FROM every_step
        WHERE every_step.lane = wanted.lane
          AND every_step.saga_id = wanted.saga_id
       OFFSET 0) AS step
 ORDER BY step.saga_id, started_at, op;
