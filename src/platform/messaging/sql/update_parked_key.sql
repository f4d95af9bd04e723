-- update_parked_key: a parked key has been tried; the message that is first now waits.
-- param  consumer_group  text
-- param  topic           text
-- param  key             uuid
-- param  attempts        integer      failed tries of the message that is first now
-- param  first_failed_at timestamptz  of that message; NULL: now
-- param  error_class     text
-- param  reason          text
-- param  wait_ms         bigint       before the next try
UPDATE parked_key
   SET attempts = $4::integer,
       first_failed_at = coalesce($5::timestamptz, clock_timestamp()),
       last_failed_at = clock_timestamp(),
       error_class = $6::text,
       reason = $7::text,
       next_try_at = clock_timestamp() + $8::bigint * interval '1 millisecond'
 WHERE consumer_group = $1::text
   AND topic = $2::text
   AND key = $3::uuid;
