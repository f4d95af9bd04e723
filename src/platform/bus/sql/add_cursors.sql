-- add_cursors: let a group read topics; one that is new to a topic begins with its oldest message.
-- param  consumer_group text
-- param  topics         text[]
INSERT INTO bus.bus_cursor (consumer_group, topic, partition, next_offset)
SELECT $1::text, topic.name COLLATE "C", part.number,
       coalesce((SELECT min(m."offset")
                   FROM bus.bus_message m
                  WHERE m.topic = topic.name AND m.partition = part.number),
                (SELECT head.next_offset
                   FROM bus.bus_partition head
                  WHERE head.topic = topic.name AND head.partition = part.number),
                0)
  FROM unnest($2::text[]) AS topic (name)
 CROSS JOIN (SELECT generate_series(0, 63)::smallint) AS part (number)
 ORDER BY 2, 3
    ON CONFLICT DO NOTHING;
