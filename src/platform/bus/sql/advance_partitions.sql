-- advance_partitions: move the heads of locked partitions.
-- param  topics       text[]
-- param  partitions   smallint[]
-- param  next_offsets bigint[]
UPDATE bus.bus_partition head
   SET next_offset = moved.next_offset
  FROM unnest($1::text[], $2::smallint[], $3::bigint[]) AS moved (topic, partition, next_offset)
 WHERE head.topic = moved.topic
   AND head.partition = moved.partition;
