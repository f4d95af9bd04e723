-- update_accounts: the new state of a batch's locked accounts.
-- param  lanes            smallint[]
-- param  ids              uuid[]
-- param  statuses         text[]
-- param  limits_minor     bigint[]
-- param  held_minor       bigint[]
-- param  next_expiry_at   timestamptz[]
-- param  versions         bigint[]
-- rows   affected: as many as given
-- locks  the rows, which this SQL transaction has locked already
UPDATE account a
   SET status = v.status, limit_minor = v.limit_minor, held_minor = v.held_minor,
       next_expiry_at = v.next_expiry_at, version = v.version
  FROM unnest($1::smallint[], $2::uuid[], $3::text[], $4::bigint[], $5::bigint[],
              $6::timestamptz[], $7::bigint[])
       AS v (lane, id, status, limit_minor, held_minor, next_expiry_at, version)
 WHERE a.lane = v.lane
   AND a.id = v.id;
