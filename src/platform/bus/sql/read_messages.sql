-- read_messages: the messages of one stretch of each partition.
-- param  topics        text[]
-- param  partitions    smallint[]
-- param  first_offsets bigint[]
-- param  next_offsets  bigint[]  the stretches end before these
-- column topic         text
-- column partition     smallint
-- column offset        bigint
-- column key           uuid
-- column id            uuid
-- column headers       text
-- column payload       text
-- column published_at  timestamptz
-- rows   in order within each partition
SELECT m.topic, m.partition, m."offset", m.key, m.id, m.headers, m.payload, m.published_at
  FROM unnest($1::text[], $2::smallint[], $3::bigint[], $4::bigint[]) WITH ORDINALITY
       AS stretch (topic, partition, first_offset, next_offset, ordinality)
 CROSS JOIN LATERAL (SELECT *
                       FROM bus.bus_message one
                      WHERE one.topic = stretch.topic
                        AND one.partition = stretch.partition
                        AND one."offset" >= stretch.first_offset
                        AND one."offset" < stretch.next_offset) AS m
 ORDER BY stretch.ordinality, m."offset";
