-- insert_sagas: save new sagas, sorted by lane and authorization.
-- param  lanes               smallint[]
-- param  ids                 uuid[]
-- param  types               text[]
-- param  authorization_ids   uuid[]
-- param  account_ids         uuid[]
-- param  user_ids            text[]
-- param  tenant_ids          text[]
-- param  amounts_minor       bigint[]
-- param  currencies          text[]
-- param  states              text[]
-- param  steps               text[]
-- param  command_ids         uuid[]
-- param  command_event_ids   uuid[]
-- param  tries               integer[]
-- param  deadlines           timestamptz[]
-- param  started             timestamptz[]
-- param  steps_started       timestamptz[]
-- param  updated             timestamptz[]
-- param  versions            bigint[]
-- param  origin_traceparents text[]
-- param  last_traceparents   text[]
-- param  tracestates         text[]
-- param  reasons             text[]
-- param  step_states         text[]
-- param  steps_finished      timestamptz[]
-- param  step_reasons        text[]
-- rows   none; a unique violation says that another orchestrator has just begun the same saga
INSERT INTO saga (lane, id, type, authorization_id, account_id, user_id, tenant_id, amount_minor,
                  currency, state, step, command_id, command_event_id, tries, deadline_at,
                  started_at, step_started_at, updated_at, version, origin_traceparent,
                  last_traceparent, tracestate, reason, step_state, step_finished_at, step_reason)
SELECT lane, id, type, authorization_id, account_id, user_id, tenant_id, amount_minor,
       currency, state, step, command_id, command_event_id, tries, deadline_at,
       started_at, step_started_at, updated_at, version, origin_traceparent, last_traceparent,
       tracestate, reason, step_state, step_finished_at, step_reason
  FROM unnest($1::smallint[], $2::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::text[],
              $7::text[], $8::bigint[], $9::text[], $10::text[], $11::text[], $12::uuid[],
              $13::uuid[], $14::integer[], $15::timestamptz[], $16::timestamptz[],
              $17::timestamptz[], $18::timestamptz[], $19::bigint[], $20::text[], $21::text[],
              $22::text[], $23::text[], $24::text[], $25::timestamptz[], $26::text[])
       WITH ORDINALITY
       AS new (lane, id, type, authorization_id, account_id, user_id, tenant_id, amount_minor,
               currency, state, step, command_id, command_event_id, tries, deadline_at,
               started_at, step_started_at, updated_at, version, origin_traceparent,
               last_traceparent, tracestate, reason, step_state, step_finished_at, step_reason,
               place)
 ORDER BY place;
