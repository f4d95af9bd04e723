-- read_events: the oldest events of locked lanes, in the order they were said.
-- param  lanes              smallint[]
-- param  row_max            bigint
-- column seq                bigint
-- column lane               smallint
-- column id                 uuid
-- column aggregatetype      text
-- column aggregateid        uuid
-- column partitionkey       uuid
-- column type               text
-- column sequence           bigint
-- column tenant_id          text
-- column payload            text
-- column saga_id            uuid         or NULL
-- column command_id         uuid         or NULL
-- column traceparent        text
-- column origin_traceparent text
-- column tracestate         text         or NULL
-- column headers            text         or NULL: made from the columns
-- column created_at         timestamptz
SELECT o.seq, o.lane, o.id, o.aggregatetype, o.aggregateid, o.partitionkey, o.type, o.sequence,
       o.tenant_id, o.payload, o.saga_id, o.command_id, o.traceparent, o.origin_traceparent,
       o.tracestate, o.headers, o.created_at
  FROM outbox o
 WHERE o.lane = ANY ($1::smallint[])
 ORDER BY o.seq
 LIMIT $2::bigint;
