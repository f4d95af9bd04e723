-- update_released: authorizations that hold nothing any more.
-- param  lanes            smallint[]
-- param  ids              uuid[]
-- param  statuses         text[]
-- param  versions         bigint[]
-- rows   affected: as many as given
-- locks  the rows; their accounts are locked, so nobody waits for them
UPDATE credit_authorization c
   SET status = v.status, version = v.version, remaining_minor = 0
  FROM unnest($1::smallint[], $2::uuid[], $3::text[], $4::bigint[]) AS v (lane, id, status, version)
 WHERE c.lane = v.lane
   AND c.id = v.id;
