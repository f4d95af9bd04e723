-- measure_flow: what topics have ever been told, and how much of any topic groups have yet to read.
-- param  topics          text[]
-- param  consumer_groups text[]
-- column published       bigint
-- column unread          bigint
-- rows   1
SELECT (SELECT coalesce(sum(head.next_offset), 0)::bigint
          FROM bus.bus_partition head
         WHERE head.topic = ANY ($1::text[])) AS published,
       (SELECT coalesce(sum(head.next_offset - cursor.next_offset), 0)::bigint
          FROM bus.bus_cursor cursor
          JOIN bus.bus_partition head
            ON head.topic = cursor.topic AND head.partition = cursor.partition
         WHERE cursor.consumer_group = ANY ($2::text[])) AS unread;
