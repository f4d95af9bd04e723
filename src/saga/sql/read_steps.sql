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
SELECT saga_step.saga_id, step, op, state, command_id, tries, started_at, finished_at, reason
  FROM unnest($1::smallint[], $2::uuid[]) AS wanted (lane, saga_id)
  JOIN saga_step ON saga_step.lane = wanted.lane AND saga_step.saga_id = wanted.saga_id
 ORDER BY saga_step.saga_id, started_at, op;
