-- insert_authorizations: a batch's decisions.
-- copied lane            smallint
-- copied id              uuid
-- copied status          text
-- copied version         bigint
-- copied remaining_minor bigint
-- copied decision        text
-- copied decision_code   text
-- copied reasons         text
-- copied tenant_id       text
-- copied transaction_id  text
-- copied user_id         text
-- copied account_id      uuid
-- copied currency        text
-- copied requested_minor bigint
-- copied approved_minor  bigint
-- copied available_minor bigint
-- copied limit_minor     bigint
-- copied held_minor      bigint
-- copied expires_at      timestamptz
-- copied saga_id         uuid
-- copied trace_id        text
-- copied fingerprint     bytea
-- copied body_format     smallint
-- copied created_at      timestamptz
-- rows   none
-- locks  nothing that others wait for: ids are new
COPY credit_authorization
     (lane, id, status, version, remaining_minor, decision, decision_code, reasons, tenant_id,
      transaction_id, user_id, account_id, currency, requested_minor, approved_minor,
      available_minor, limit_minor, held_minor, expires_at, saga_id, trace_id, fingerprint,
      body_format, created_at)
FROM STDIN (FORMAT binary);
