-- measure_backlog: how many events wait, and for how long the oldest has waited.
-- param  count_max     bigint  count no further
-- column pending       bigint
-- column oldest_age_ms bigint  0 when none waits
-- rows   1
SELECT (SELECT count(*) FROM (SELECT FROM outbox LIMIT $1::bigint) AS waiting) AS pending,
       coalesce((SELECT (extract(epoch FROM clock_timestamp() - o.created_at) * 1000)::bigint
                   FROM outbox o
                  ORDER BY o.seq
                  LIMIT 1), 0) AS oldest_age_ms;
