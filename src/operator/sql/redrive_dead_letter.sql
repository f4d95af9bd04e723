-- redrive_dead_letter: put a dead letter back among the parked messages of its key, and write who
-- did it; all in one, or nothing.
-- param  id               uuid
-- param  redrive_id       uuid
-- param  redrives_max     integer  NULL: any number
-- param  os_user          text
-- param  reason           text
-- param  traceparent      text     of the redrive
-- column outcome          text     redriven | already_applied | not_open | too_often | gone
-- column redrive_count    integer  NULL: gone
-- column last_traceparent text     the letter's, of its last try; NULL: gone
-- rows   1
-- locks  parked_key, then dead_letter, then the head of the audit
SELECT done.outcome, done.redrives, done.last_traceparent
  FROM redrive_dead_letter($1::uuid, $2::uuid, $3::integer, $4::text, $5::text, $6::text) AS done;
