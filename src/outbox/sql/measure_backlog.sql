-- measure_backlog: how many events wait, and for how long the oldest has waited.
-- param  count_max     bigint  count no further
-- column pending       bigint
-- column oldest_age_ms bigint  0 when none waits
-- column lowest_seq    bigint  0 when none waits
-- rows   1
SELECT (SELECT count(*) FROM (SELECT FROM outbox LIMIT $1::bigint) AS waiting) AS pending,
       coalesce((extract(epoch FROM clock_timestamp() - oldest.created_at) * 1000)::bigint, 0)
           AS oldest_age_ms,
       coalesce(oldest.seq, 0) AS lowest_seq
  FROM (SELECT) AS one
  LEFT JOIN (SELECT o.seq, o.created_at
               FROM outbox o
              ORDER BY o.seq
              LIMIT 1) AS oldest ON true;
