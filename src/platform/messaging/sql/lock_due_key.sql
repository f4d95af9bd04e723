-- lock_due_key: the parked key that has waited longest beyond its time, locked.
-- param  consumer_group  text
-- column topic           text
-- column key             uuid
-- column attempts        integer
-- column first_failed_at timestamptz
-- rows   0 or 1
-- locks  parked_key; keys that others hold are passed over
SELECT parked.topic, parked.key, parked.attempts, parked.first_failed_at
  FROM parked_key parked
 WHERE parked.consumer_group = $1::text
   AND parked.next_try_at <= clock_timestamp()
 ORDER BY parked.next_try_at
 LIMIT 1
   FOR UPDATE SKIP LOCKED;
