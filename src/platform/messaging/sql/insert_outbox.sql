-- insert_outbox: save events in the order given; seq is drawn in that order.
-- copied lane               smallint
-- copied id                 uuid
-- copied aggregatetype      text
-- copied aggregateid        uuid
-- copied partitionkey       uuid
-- copied type               text
-- copied sequence           bigint
-- copied tenant_id          text
-- copied payload            text
-- copied saga_id            uuid  or NULL
-- copied command_id         uuid  or NULL
-- copied traceparent        text
-- copied origin_traceparent text
-- copied tracestate         text  or NULL
-- copied headers            text  or NULL
-- copied created_at         timestamptz
COPY outbox (lane, id, aggregatetype, aggregateid, partitionkey, type, sequence, tenant_id,
             payload, saga_id, command_id, traceparent, origin_traceparent, tracestate, headers,
             created_at)
FROM STDIN (FORMAT binary);
