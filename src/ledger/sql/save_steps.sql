-- save_steps: keep what came of each step, so that a repeat is answered the same.
-- copied lane             smallint
-- copied saga_id          uuid
-- copied step             text
-- copied op               text
-- copied command_id       uuid
-- copied authorization_id uuid
-- copied outcome          text
-- copied reason           text
-- copied amount_minor     bigint
-- copied currency         text
-- copied journal_id       uuid
-- copied version          bigint
-- copied created_at       timestamptz
-- rows   none
-- locks  nothing that others wait for: the lane's chain head is locked
COPY command_step
     (lane, saga_id, step, op, command_id, authorization_id, outcome, reason, amount_minor,
      currency, journal_id, version, created_at)
FROM STDIN (FORMAT binary);
