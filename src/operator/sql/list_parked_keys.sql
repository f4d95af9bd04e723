-- list_parked_keys: keys whose first message could not be applied, the longest parked first.
-- param  consumer_group   text    NULL here and below: any
-- param  keys             uuid[]  of keys, or of accounts whose messages wait aside
-- column room             text
-- column consumer_group   text
-- column topic            text
-- column key              uuid
-- column waiting          bigint  messages, the first of them too
-- column first_event_id   uuid    NULL: none waits, the key is about to be let go
-- column first_type       text    its ce_type
-- column error_class      text    empty: its turn comes
-- column attempts         integer
-- column first_failed_at  text
-- column next_try_at      text
-- column reason           text
-- rows   0 or more
SELECT k.room, k.consumer_group, k.topic, k.key, waiting.count, first.event_id,
       substring(first.headers FROM '"ce_type" *: *"([^"\\]*)"'), k.error_class, k.attempts,
       to_char(k.first_failed_at AT TIME ZONE 'UTC', time.form),
       to_char(k.next_try_at AT TIME ZONE 'UTC', time.form), k.reason
  FROM operator.parked_key AS k
 CROSS JOIN LATERAL (SELECT 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"' AS form) AS time
 CROSS JOIN LATERAL (SELECT count(*) AS count
                       FROM operator.parked_message AS m
                      WHERE m.room = k.room AND m.consumer_group = k.consumer_group
                        AND m.topic = k.topic AND m.key = k.key) AS waiting
  LEFT JOIN LATERAL (SELECT m.event_id, m.headers, m.message_key
                       FROM operator.parked_message AS m
                      WHERE m.room = k.room AND m.consumer_group = k.consumer_group
                        AND m.topic = k.topic AND m.key = k.key
                      ORDER BY m.is_redriven DESC, m.seq
                      LIMIT 1) AS first ON true
 WHERE ($1::text IS NULL OR k.consumer_group = $1)
   AND ($2::uuid[] IS NULL OR k.key = ANY ($2) OR first.message_key = ANY ($2))
 ORDER BY k.first_failed_at, k.consumer_group, k.topic, k.key;
