-- delete_messages: delete old messages that are past retention and that every group has read.
-- Partitions whose oldest message is young enough cost one look each.
-- param  retention_s   bigint
-- param  partition_max bigint  messages of one partition in one go
DELETE FROM bus.bus_message m
 USING (SELECT head.topic, head.partition, expired."offset"
          FROM bus.bus_partition head
          LEFT JOIN (SELECT topic, partition, min(next_offset) AS next_offset
                       FROM bus.bus_cursor
                      GROUP BY topic, partition) AS slowest
            ON slowest.topic = head.topic AND slowest.partition = head.partition
         CROSS JOIN LATERAL (SELECT one.published_at
                               FROM bus.bus_message one
                              WHERE one.topic = head.topic
                                AND one.partition = head.partition
                              ORDER BY one."offset"
                              LIMIT 1) AS oldest
         CROSS JOIN LATERAL (SELECT one."offset", one.published_at
                               FROM bus.bus_message one
                              WHERE oldest.published_at
                                    < clock_timestamp() - $1::bigint * interval '1 second'
                                AND one.topic = head.topic
                                AND one.partition = head.partition
                              ORDER BY one."offset"
                              LIMIT $2::bigint) AS expired
         WHERE expired.published_at < clock_timestamp() - $1::bigint * interval '1 second'
           AND (slowest.next_offset IS NULL OR expired."offset" < slowest.next_offset)) AS old
 WHERE m.topic = old.topic
   AND m.partition = old.partition
   AND m."offset" = old."offset";
