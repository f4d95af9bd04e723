-- move_cursors: what was read has had its effect.
-- param  consumer_group text
-- param  topics         text[]
-- param  partitions     smallint[]
-- param  next_offsets   bigint[]
UPDATE bus.bus_cursor cursor
   SET next_offset = moved.next_offset
  FROM unnest($2::text[], $3::smallint[], $4::bigint[]) AS moved (topic, partition, next_offset)
 WHERE cursor.consumer_group = $1::text
   AND cursor.topic = moved.topic
   AND cursor.partition = moved.partition;
