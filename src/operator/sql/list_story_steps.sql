-- list_story_steps: the steps of an authorization's sagas, in order of time.
-- param  lane         smallint
-- param  saga_ids     uuid[]
-- column saga_id      uuid
-- column step         text
-- column op           text
-- column state        text
-- column tries        integer
-- column command_id   uuid         or NULL: nothing was sent
-- column started_at   timestamptz
-- column finished_at  timestamptz  or NULL
-- column reason       text         or NULL
-- rows   0 or more
SELECT saga_id, step, op, state, tries, command_id, started_at, finished_at, reason
  FROM saga.every_step
 WHERE lane = $1::smallint AND saga_id = ANY ($2::uuid[])
 ORDER BY started_at, op;
