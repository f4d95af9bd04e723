-- add_partitions: make topics that do not exist yet.
-- param  topics text[]
INSERT INTO bus.bus_partition (topic, partition)
SELECT topic.name COLLATE "C", part.number
  FROM unnest($1::text[]) AS topic (name)
 CROSS JOIN generate_series(0, 63) AS part (number)
 ORDER BY 1, 2
    ON CONFLICT DO NOTHING;
