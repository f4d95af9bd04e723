-- measure_waiting: about how many events wait, and for how long the first has, at the cost of a
-- look at either end: numbers that were drawn in vain count, too.
-- param  resting       smallint[]  lanes whose events cannot be published for now: do not count
-- column waiting       bigint
-- column oldest_age_us bigint
-- rows   0 or 1: nothing waits
SELECT (SELECT max(o.seq) FROM outbox o) - first.seq + 1 AS waiting,
       (extract(epoch FROM clock_timestamp() - first.created_at) * 1000000)::bigint
           AS oldest_age_us
  FROM (SELECT o.seq, o.created_at
          FROM outbox o
         WHERE o.lane <> ALL ($1::smallint[])
         ORDER BY o.seq
         LIMIT 1) AS first;
