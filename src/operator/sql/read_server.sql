-- read_server: what the server is and how it is set, as far as the promises rest on it.
-- column now                 timestamptz
-- column role                text     whom this connection has become
-- column version             integer  150004
-- column fsync               text
-- column full_page_writes    text
-- column synchronous_commit  text
-- column data_directory      text     or NULL: not ours to see
-- column is_local            boolean  reached by a socket or by loopback
-- column connections_max     integer
-- column connections_free    integer  for who is no superuser
-- column database_free       integer  or NULL: the database has no limit of its own
-- column oldest_age          integer  of transactions ids, in transactions
-- column longest_s           bigint   that an SQL transaction of this database has been open
-- rows   1
SELECT clock_timestamp(), current_user::text, current_setting('server_version_num')::integer,
       current_setting('fsync'), current_setting('full_page_writes'),
       current_setting('synchronous_commit'),
       (SELECT setting FROM pg_settings WHERE name = 'data_directory'),
       inet_server_addr() IS NULL OR inet_server_addr() <<= '127.0.0.0/8',
       current_setting('max_connections')::integer,
       current_setting('max_connections')::integer
           - current_setting('superuser_reserved_connections')::integer
           - (SELECT count(*)::integer FROM pg_stat_activity WHERE backend_type = 'client backend'),
       (SELECT d.datconnlimit - (SELECT count(*)::integer FROM pg_stat_activity AS a
                                  WHERE a.datid = d.oid AND a.backend_type = 'client backend')
          FROM pg_database AS d
         WHERE d.datname = current_database() AND d.datconnlimit >= 0),
       (SELECT age(datfrozenxid) FROM pg_database WHERE datname = current_database()),
       coalesce((SELECT extract(epoch FROM clock_timestamp() - min(xact_start))::bigint
                   FROM pg_stat_activity
                  WHERE datname = current_database() AND pid <> pg_backend_pid()), 0);
