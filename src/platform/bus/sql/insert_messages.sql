-- insert_messages: append messages at offsets of locked partitions.
-- param  topics     text[]
-- param  partitions smallint[]
-- param  offsets    bigint[]
-- param  keys       uuid[]
-- param  ids        uuid[]
-- param  headers    text[]
-- param  payloads   text[]
INSERT INTO bus.bus_message (topic, partition, "offset", key, id, headers, payload)
SELECT *
  FROM unnest($1::text[], $2::smallint[], $3::bigint[], $4::uuid[], $5::uuid[], $6::text[],
              $7::text[]);
