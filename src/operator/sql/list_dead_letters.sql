-- list_dead_letters: dead letters of all services that fit, the newest first, or as they came on
-- the bus.
-- param  consumer_group  text         NULL here and below: any
-- param  error_class     text
-- param  error_code      text
-- param  type            text         a ce_type
-- param  key             uuid
-- param  since           timestamptz  last failed at or after
-- param  until           timestamptz  last failed before
-- param  state           text         open | redriven | discarded
-- param  ids             uuid[]       letters' ids, or their events'
-- param  after           uuid         a letter: only those that come after it in the list
-- param  in_bus_order    boolean      topic by topic, partition by partition
-- param  count_max       bigint
-- column id              uuid
-- column room            text
-- column consumer_group  text
-- column event_id        uuid
-- column type            text
-- column key             uuid
-- column error_class     text
-- column error_code      text
-- column redrive_count   integer
-- column state           text
-- column last_failed_at  text
-- column error_message   text
-- rows   0 to count_max
SELECT l.id, l.room, l.consumer_group, l.event_id, l.type, l.key, l.error_class, l.error_code,
       l.redrive_count, state.name,
       to_char(l.last_failed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
       l.error_message
  FROM operator.dead_letter AS l
 CROSS JOIN LATERAL (SELECT CASE WHEN l.redriven_at IS NULL THEN 'open'
                                 WHEN l.discarded_at = l.redriven_at THEN 'discarded'
                                 ELSE 'redriven' END AS name) AS state
 WHERE ($1::text IS NULL OR l.consumer_group = $1)
   AND ($2::text IS NULL OR l.error_class = $2)
   AND ($3::text IS NULL OR l.error_code = $3)
   AND ($4::text IS NULL OR l.type = $4)
   AND ($5::uuid IS NULL OR l.key = $5)
   AND ($6::timestamptz IS NULL OR l.last_failed_at >= $6)
   AND ($7::timestamptz IS NULL OR l.last_failed_at < $7)
   AND ($8::text IS NULL OR state.name = $8)
   AND ($9::uuid[] IS NULL OR l.id = ANY ($9) OR l.event_id = ANY ($9))
   AND ($10::uuid IS NULL OR l.id < $10)
 ORDER BY CASE WHEN $11::boolean THEN NULL ELSE l.id END DESC, l.topic, l.partition, l."offset",
          l.published_at, l.id
 LIMIT $12::bigint;
