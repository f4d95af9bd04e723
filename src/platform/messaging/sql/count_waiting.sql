-- count_waiting: parked keys of a group, and its dead letters by class that nobody has sent again.
-- param  consumer_group      text
-- column parked_keys         bigint
-- column schema              bigint
-- column business            bigint
-- column transient_exhausted bigint
-- column bug                 bigint
-- column oldest_age_us       bigint  of the dead letters; 0: there is none
-- rows   1
SELECT (SELECT count(*) FROM parked_key WHERE consumer_group = $1::text) AS parked_keys,
       count(*) FILTER (WHERE d.error_class = 'schema') AS schema,
       count(*) FILTER (WHERE d.error_class = 'business') AS business,
       count(*) FILTER (WHERE d.error_class = 'transient_exhausted') AS transient_exhausted,
       count(*) FILTER (WHERE d.error_class = 'bug') AS bug,
       coalesce((extract(epoch FROM clock_timestamp() - min(d.created_at)) * 1000000)::bigint, 0)
           AS oldest_age_us
  FROM dead_letter d
 WHERE d.redriven_at IS NULL
   AND d.consumer_group = $1::text;
