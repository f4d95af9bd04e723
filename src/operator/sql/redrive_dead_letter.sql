-- redrive_dead_letter: put a dead letter back among the parked messages of its key, and write who
-- did it; all in one, or nothing.
-- param  id             uuid
-- param  redrive_id     uuid
-- param  redrives_max   integer  NULL: any number
-- param  os_user        text
-- param  reason         text
-- column outcome        text     redriven | already_applied | not_open | too_often | gone
-- column redrive_count  integer  NULL: gone
-- rows   1
-- locks  parked_key, then dead_letter, then the head of the audit
SELECT done.outcome, done.redrives
  FROM redrive_dead_letter($1::uuid, $2::uuid, $3::integer, $4::text, $5::text) AS done;
