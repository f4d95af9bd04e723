-- release_parked_key: have a parked key tried at once, and write who did it; all in one, or
-- nothing.
-- param  consumer_group  text
-- param  topic           text
-- param  key             uuid
-- param  deed_id         uuid
-- param  os_user         text
-- param  by              text  NULL: os_user
-- param  reason          text
-- column outcome         text  released | not_parked
-- rows   1
-- locks  parked_key, then the head of the audit
SELECT done.outcome
  FROM release_parked_key($1::text, $2::text, $3::uuid, $4::uuid, $5::text, $6::text, $7::text)
           AS done (outcome);
