-- find_parked_keys: which of these keys are parked now.
-- param  consumer_group text
-- param  topics         text[]
-- param  keys           uuid[]
-- column topic          text
-- column key            uuid
SELECT parked.topic, parked.key
  FROM parked_key parked
 WHERE parked.consumer_group = $1::text
   AND (parked.topic, parked.key) IN (SELECT * FROM unnest($2::text[], $3::uuid[]));
