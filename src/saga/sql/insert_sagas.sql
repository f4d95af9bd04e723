-- insert_sagas: save new sagas, added in the order of their authorizations.
-- copied lane               smallint
-- copied id                 uuid
-- copied type               text
-- copied authorization_id   uuid
-- copied account_id         uuid
-- copied user_id            text
-- copied tenant_id          text
-- copied amount_minor       bigint
-- copied currency           text
-- copied state              text
-- copied step               text
-- copied command_id         uuid
-- copied command_event_id   uuid
-- copied tries              integer
-- copied deadline_at        timestamptz
-- copied started_at         timestamptz
-- copied step_started_at    timestamptz
-- copied updated_at         timestamptz
-- copied version            bigint
-- copied origin_traceparent text
-- copied last_traceparent   text
-- copied tracestate         text
-- copied reason             text
-- copied step_state         text
-- copied step_finished_at   timestamptz
-- copied step_reason        text
-- rows   none; a unique violation says that another orchestrator has just begun the same saga
COPY saga (lane, id, type, authorization_id, account_id, user_id, tenant_id, amount_minor, currency,
           state, step, command_id, command_event_id, tries, deadline_at, started_at,
           step_started_at, updated_at, version, origin_traceparent, last_traceparent, tracestate,
           reason, step_state, step_finished_at, step_reason)
FROM STDIN (FORMAT binary);
