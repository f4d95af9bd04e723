-- load_new_sagas: read again the sagas of one type of some authorizations, after load_sagas.
-- param  lanes              smallint[]
-- param  authorization_ids  uuid[]
-- param  type               text
-- column id                 uuid
-- column type               text
-- column lane               smallint
-- column authorization_id   uuid
-- column account_id         uuid
-- column user_id            text
-- column tenant_id          text
-- column amount_minor       bigint
-- column currency           text
-- column state              text
-- column step               text
-- column command_id         uuid
-- column command_event_id   uuid
-- column tries              integer
-- column deadline_at        timestamptz
-- column started_at         timestamptz
-- column step_started_at    timestamptz
-- column version            bigint
-- column origin_traceparent text
-- column last_traceparent   text         or NULL
-- column tracestate         text         or NULL
-- column reason             text
-- column step_state         text         or NULL: ended, its steps are all in saga_step
-- column step_finished_at   timestamptz  or NULL
-- column step_reason        text         or NULL
-- rows   up to one for each authorization
-- locks  saga: one that another orchestrator inserted while load_sagas waited for its locks is
--        seen by this statement only (its snapshot is newer), and locked by it
SELECT saga.id, type, saga.lane, saga.authorization_id, account_id, user_id, tenant_id,
       amount_minor, currency, state, step, command_id, command_event_id, tries, deadline_at,
       started_at, step_started_at, version, origin_traceparent, last_traceparent, tracestate,
       reason, step_state, step_finished_at, step_reason
  FROM unnest($1::smallint[], $2::uuid[]) AS wanted (lane, authorization_id)
  JOIN saga ON saga.lane = wanted.lane AND saga.authorization_id = wanted.authorization_id
 -- || '': else, planned over an empty table, an index is read whole for its last column
 WHERE saga.type || '' = $3::text
 ORDER BY saga.id
   FOR NO KEY UPDATE OF saga;
