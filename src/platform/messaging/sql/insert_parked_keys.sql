-- insert_parked_keys: park keys whose first message could not be applied.
-- param  consumer_group text
-- param  topics         text[]
-- param  keys           uuid[]
-- param  error_classes  text[]
-- param  reasons        text[]
-- param  wait_ms        bigint  before the second try
INSERT INTO parked_key (consumer_group, topic, key, error_class, reason, next_try_at)
SELECT $1::text, parked.topic, parked.key, parked.error_class, parked.reason,
       clock_timestamp() + $6::bigint * interval '1 millisecond'
  FROM unnest($2::text[], $3::uuid[], $4::text[], $5::text[])
       AS parked (topic, key, error_class, reason)
 ORDER BY parked.topic, parked.key
    ON CONFLICT DO NOTHING;
