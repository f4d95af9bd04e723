-- claim_cursors: lock cursors of a group that have messages to read, until the transaction ends.
-- param  consumer_group  text
-- param  topics          text[]
-- param  first_partition integer  begin here and go round, so that none is always last
-- param  count_max       bigint
-- column topic           text
-- column partition       smallint
-- column next_offset     bigint
-- column head_offset     bigint   messages before it exist
-- locks  bus_cursor; cursors that other members hold are passed over
SELECT cursor.topic, cursor.partition, cursor.next_offset, head.next_offset AS head_offset
  FROM bus.bus_cursor cursor
  JOIN bus.bus_partition head
    ON head.topic = cursor.topic AND head.partition = cursor.partition
 WHERE cursor.consumer_group = $1::text
   AND cursor.topic = ANY ($2::text[])
   AND head.next_offset > cursor.next_offset
 ORDER BY (cursor.partition - $3::integer) & 63, cursor.topic
 LIMIT $4::bigint
   FOR UPDATE OF cursor SKIP LOCKED;
