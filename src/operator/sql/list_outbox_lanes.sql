-- list_outbox_lanes: the lanes of each outbox in which something waits, the longest waiting first.
-- What is first in a lane holds up whatever is behind it.
-- param  count_max   bigint
-- column outbox      text
-- column lane        smallint
-- column events      bigint
-- column oldest_at   text
-- column age_s       bigint
-- column first_type  text
-- column first_id    uuid
-- rows   0 to count_max
SELECT o.room, o.lane, count(*),
       to_char(min(o.created_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
       floor(extract(epoch FROM clock_timestamp() - min(o.created_at)))::bigint,
       (array_agg(o.type ORDER BY o.seq))[1], (array_agg(o.id ORDER BY o.seq))[1]
  FROM operator.outbox AS o
 GROUP BY o.room, o.lane
 ORDER BY min(o.created_at), o.room, o.lane
 LIMIT $1::bigint;
