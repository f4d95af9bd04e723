-- insert_outbox: save events in the order given; seq is drawn in that order.
-- param  lanes               smallint[]
-- param  ids                 uuid[]
-- param  aggregate_types     text[]
-- param  aggregate_ids       uuid[]
-- param  partition_keys      uuid[]
-- param  types               text[]
-- param  sequences           bigint[]
-- param  tenant_ids          text[]
-- param  payloads            text[]
-- param  saga_ids            uuid[]
-- param  command_ids         uuid[]
-- param  traceparents        text[]
-- param  origin_traceparents text[]
-- param  tracestates         text[]
-- param  headers             text[]
INSERT INTO outbox (lane, id, aggregatetype, aggregateid, partitionkey, type, sequence, tenant_id,
                    payload, saga_id, command_id, traceparent, origin_traceparent, tracestate,
                    headers)
SELECT e.lane, e.id, e.aggregatetype, e.aggregateid, e.partitionkey, e.type, e.sequence,
       e.tenant_id, e.payload, e.saga_id, e.command_id, e.traceparent, e.origin_traceparent,
       e.tracestate, e.headers
  FROM unnest($1::smallint[], $2::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::text[],
              $7::bigint[], $8::text[], $9::text[], $10::uuid[], $11::uuid[], $12::text[],
              $13::text[], $14::text[], $15::text[])
       WITH ORDINALITY AS e (lane, id, aggregatetype, aggregateid, partitionkey, type, sequence,
                             tenant_id, payload, saga_id, command_id, traceparent,
                             origin_traceparent, tracestate, headers, ordinality)
 ORDER BY e.ordinality;
