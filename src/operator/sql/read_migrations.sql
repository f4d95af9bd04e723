-- read_migrations: what has been applied to the schema of the search path.
-- column version  integer
-- column name     text
-- column sha256   text
-- rows   one for each, oldest first
SELECT version, name, sha256
  FROM schema_migration
 ORDER BY version;
