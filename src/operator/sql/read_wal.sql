-- read_wal: how much write-ahead log is kept, and for whom. For members of pg_monitor.
-- column size          bigint   in bytes
-- column size_usual    bigint   max_wal_size and wal_keep_size, in bytes
-- column idle_slot     text     of the inactive replication slots the one that keeps most, or NULL
-- column archive_fails boolean  the newest try to archive has failed
-- rows   1
SELECT (SELECT sum(size)::bigint FROM pg_ls_waldir()),
       pg_size_bytes(current_setting('max_wal_size'))
           + pg_size_bytes(current_setting('wal_keep_size')),
       (SELECT slot_name::text FROM pg_replication_slots
         WHERE NOT active AND restart_lsn IS NOT NULL ORDER BY restart_lsn LIMIT 1),
       (SELECT last_failed_time > coalesce(last_archived_time, '-infinity')
          FROM pg_stat_archiver) IS TRUE;
