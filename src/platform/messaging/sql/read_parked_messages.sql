-- read_parked_messages: the first messages of a parked key, in order; what an operator has put back
-- comes before what the bus has brought since.
-- param  consumer_group      text
-- param  topic               text
-- param  key                 uuid
-- param  count_max           bigint
-- column seq                 bigint
-- column message_key         uuid
-- column event_id            uuid
-- column partition           integer
-- column offset              bigint
-- column published_at        timestamptz
-- column headers             text
-- column redrive_traceparent text        of who has put it back; NULL: nobody
-- column payload             text
SELECT m.seq, coalesce(m.message_key, m.key), m.event_id, m.partition, m."offset",
       m.published_at, m.headers, m.redrive_traceparent, m.payload
  FROM parked_message m
 WHERE m.consumer_group = $1::text
   AND m.topic = $2::text
   AND m.key = $3::uuid
 ORDER BY m.is_redriven DESC, m.seq
 LIMIT $4::bigint;
