-- save_journals: write new journals, each the next of its lane's chain.
-- copied lane             smallint
-- copied chain_seq        bigint
-- copied id               uuid
-- copied type             text
-- copied authorization_id uuid
-- copied saga_id          uuid
-- copied command_id       uuid
-- copied currency         text
-- copied trace_id         text
-- copied previous_hash    bytea
-- copied hash             bytea
-- copied created_at       timestamptz
-- rows   none
-- locks  nothing that others wait for: the lane's chain head is locked
COPY journal
     (lane, chain_seq, id, type, authorization_id, saga_id, command_id, currency, trace_id,
      previous_hash, hash, created_at)
FROM STDIN (FORMAT binary);
