-- move_cursors: what was read has had its effect. A cursor that is not where the stretch begins is
-- left alone.
-- param  consumer_group text
-- param  topics         text[]
-- param  partitions     smallint[]
-- param  first_offsets  bigint[]
-- param  next_offsets   bigint[]
UPDATE bus.bus_cursor cursor
   SET next_offset = moved.next_offset
  FROM unnest($2::text[], $3::smallint[], $4::bigint[], $5::bigint[])
       AS moved (topic, partition, first_offset, next_offset)
 WHERE cursor.consumer_group = $1::text
   AND cursor.topic = moved.topic
   AND cursor.partition = moved.partition
   AND cursor.next_offset = moved.first_offset;
