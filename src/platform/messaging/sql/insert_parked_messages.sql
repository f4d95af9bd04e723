-- insert_parked_messages: keep messages of parked keys, in the order of the bus. One that is kept
-- already (it was handed over again) stays where it is.
-- param  consumer_group text
-- param  topics         text[]
-- param  keys           uuid[]
-- param  message_keys   uuid[]  what their keys are where they wait aside of these
-- param  event_ids      uuid[]
-- param  partitions     integer[]
-- param  offsets        bigint[]
-- param  published_at   timestamptz[]
-- param  headers        text[]
-- param  payloads       text[]
INSERT INTO parked_message (consumer_group, topic, key, message_key, event_id, partition, "offset",
                            published_at, headers, payload)
SELECT $1::text, m.topic, m.key, m.message_key, m.event_id, m.partition, m."offset",
       m.published_at, m.headers, m.payload
  FROM unnest($2::text[], $3::uuid[], $4::uuid[], $5::uuid[], $6::integer[], $7::bigint[],
              $8::timestamptz[], $9::text[], $10::text[])
       WITH ORDINALITY AS m (topic, key, message_key, event_id, partition, "offset",
                                 published_at, headers, payload, ordinality)
 ORDER BY m.ordinality
    ON CONFLICT DO NOTHING;
