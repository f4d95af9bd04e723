-- find_dead_letters: which of these events have died before.
-- param  consumer_group  text
-- param  event_ids       uuid[]
-- column event_id        uuid
-- column attempts        integer
-- column first_failed_at timestamptz
-- column redrive_count   integer
-- column redrive_id      uuid         NULL: it was never redriven
SELECT letter.event_id, letter.attempts, letter.first_failed_at, letter.redrive_count,
       letter.redrive_id
  FROM dead_letter letter
 WHERE letter.consumer_group = $1::text
   AND letter.event_id = ANY ($2::uuid[]);
