-- discard_dead_letter: close a dead letter for good without its effect, and write who did it; all
-- in one, or nothing.
-- param  id           uuid
-- param  deed_id      uuid
-- param  os_user      text
-- param  by           text  NULL: os_user
-- param  reason       text
-- param  traceparent  text  of the deed
-- column outcome      text  discarded | already_applied | not_open | gone
-- rows   1
-- locks  dead_letter, then the inbox, then the head of the audit
SELECT done.outcome
  FROM discard_dead_letter($1::uuid, $2::uuid, $3::text, $4::text, $5::text, $6::text)
           AS done (outcome);
