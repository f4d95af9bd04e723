-- lock_migrations: one migration at a time in this database, until the SQL transaction ends.
-- column locked  text
-- rows   1
SELECT pg_advisory_xact_lock(hashtext('tallystick migrate'))::text AS locked;
