-- insert_migration: remember that one has been applied.
-- param  version  integer
-- param  name     text
-- param  sha256   text
-- rows   none
INSERT INTO schema_migration (version, name, sha256)
VALUES ($1, $2, $3);
