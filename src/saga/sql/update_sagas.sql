-- update_sagas: save where sagas stand now.
-- param  lanes             smallint[]
-- param  ids               uuid[]
-- param  authorization_ids uuid[]
-- param  states            text[]
-- param  steps             text[]
-- param  command_ids       uuid[]
-- param  command_event_ids uuid[]
-- param  tries             integer[]
-- param  deadlines         timestamptz[]
-- param  steps_started     timestamptz[]
-- param  updated           timestamptz[]
-- param  versions          bigint[]
-- param  last_traceparents text[]
-- param  reasons           text[]
-- param  step_states       text[]
-- param  steps_finished    timestamptz[]
-- param  step_reasons      text[]
-- rows   none
-- locks  none: load_sagas has done it
-- Naming the authorization too leaves no index that would be read by its lane alone, which costs
-- the same while the table is empty and its statistics know nothing.
UPDATE saga
   SET state = changed.state, step = changed.step, command_id = changed.command_id,
       command_event_id = changed.command_event_id, tries = changed.tries,
       deadline_at = changed.deadline_at, step_started_at = changed.step_started_at,
       updated_at = changed.updated_at, version = changed.version,
       last_traceparent = changed.last_traceparent, reason = changed.reason,
       step_state = changed.step_state, step_finished_at = changed.step_finished_at,
       step_reason = changed.step_reason
  FROM unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::uuid[],
              $7::uuid[], $8::integer[], $9::timestamptz[], $10::timestamptz[],
              $11::timestamptz[], $12::bigint[], $13::text[], $14::text[], $15::text[],
              $16::timestamptz[], $17::text[])
       AS changed (lane, id, authorization_id, state, step, command_id, command_event_id, tries,
                   deadline_at, step_started_at, updated_at, version, last_traceparent,
                   reason, step_state, step_finished_at, step_reason)
 WHERE saga.lane = changed.lane
   AND saga.id = changed.id
   AND saga.authorization_id = changed.authorization_id;
