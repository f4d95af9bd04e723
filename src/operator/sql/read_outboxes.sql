-- read_outboxes: what waits in each outbox to be published.
-- column outbox      text
-- column events      bigint
-- column lanes       bigint  that have any
-- column oldest_at   text    NULL: nothing waits
-- column age_s       bigint  of the oldest; NULL likewise
-- column first_type  text    of the oldest; NULL likewise
-- column first_id    uuid    the event's; NULL likewise
-- rows   one for each outbox
SELECT room.name, count(o.seq), count(DISTINCT o.lane),
       to_char(min(o.created_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
       floor(extract(epoch FROM clock_timestamp() - min(o.created_at)))::bigint,
       (array_agg(o.type ORDER BY o.seq) FILTER (WHERE o.seq IS NOT NULL))[1],
       (array_agg(o.id ORDER BY o.seq) FILTER (WHERE o.seq IS NOT NULL))[1]
  FROM (VALUES ('authorization'), ('ledger'), ('saga')) AS room (name)
  LEFT JOIN operator.outbox AS o ON o.room = room.name
 GROUP BY room.name
 ORDER BY room.name;
