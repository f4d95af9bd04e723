-- read_schema_version: how far the schema of this service has been migrated.
-- column version  integer
-- rows   1
SELECT coalesce(max(version), 0) AS version
  FROM schema_migration;
