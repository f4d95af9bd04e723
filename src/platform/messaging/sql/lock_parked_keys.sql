-- lock_parked_keys: lock those of these keys that are parked, so that none is let go meanwhile.
-- param  consumer_group text
-- param  topics         text[]
-- param  keys           uuid[]
-- column topic          text
-- column key            uuid
-- locks  parked_key, in ascending order
SELECT parked.topic, parked.key
  FROM parked_key parked
 WHERE parked.consumer_group = $1::text
   AND (parked.topic, parked.key) IN (SELECT * FROM unnest($2::text[], $3::uuid[]))
 ORDER BY parked.topic, parked.key
   FOR UPDATE;
