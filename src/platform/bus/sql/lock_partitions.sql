-- lock_partitions: lock partitions until the transaction ends and read the next offset of each.
-- param  topics      text[]
-- param  partitions  smallint[]
-- column next_offset bigint
-- rows   one per partition that exists, in ascending (topic, partition) order
-- locks  bus_partition in that order, so that publishers cannot deadlock
SELECT head.next_offset
  FROM bus.bus_partition head
  JOIN unnest($1::text[], $2::smallint[]) AS wanted (topic, partition)
    ON head.topic = wanted.topic AND head.partition = wanted.partition
 ORDER BY head.topic, head.partition
   FOR NO KEY UPDATE OF head;
