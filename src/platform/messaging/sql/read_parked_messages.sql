-- read_parked_messages: the first messages of a parked key, in order.
-- param  consumer_group text
-- param  topic          text
-- param  key            uuid
-- param  count_max      bigint
-- column seq            bigint
-- column event_id       uuid
-- column partition      integer
-- column offset         bigint
-- column published_at   timestamptz
-- column headers        text
-- column payload        text
SELECT m.seq, m.event_id, m.partition, m."offset", m.published_at, m.headers, m.payload
  FROM parked_message m
 WHERE m.consumer_group = $1::text
   AND m.topic = $2::text
   AND m.key = $3::uuid
 ORDER BY m.seq
 LIMIT $4::bigint;
