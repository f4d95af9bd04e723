-- list_applied_migrations: what has been applied to every schema.
-- column schema   text
-- column version  integer
-- column name     text
-- column sha256   text
-- rows   one for each, oldest first within its schema
SELECT 'bus', version, name, sha256 FROM bus.schema_migration
UNION ALL
SELECT 'gateway', version, name, sha256 FROM gateway.schema_migration
UNION ALL
SELECT 'authorization', version, name, sha256 FROM "authorization".schema_migration
UNION ALL
SELECT 'ledger', version, name, sha256 FROM ledger.schema_migration
UNION ALL
SELECT 'saga', version, name, sha256 FROM saga.schema_migration
UNION ALL
SELECT 'operator', version, name, sha256 FROM operator.schema_migration
 ORDER BY 1, 2;
