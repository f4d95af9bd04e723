-- rotate_keys: make the coming days' partitions of the key table, drop those past their time.
-- param  ttl_s            bigint
-- rows   1
-- locks  the key table, for a moment
SELECT idempotency_key_make_partitions((now() AT TIME ZONE 'UTC')::date - 1,
                                       (now() AT TIME ZONE 'UTC')::date + 2),
       idempotency_key_drop_partitions(
           ((now() - make_interval(secs => $1::bigint)) AT TIME ZONE 'UTC')::date - 2);
