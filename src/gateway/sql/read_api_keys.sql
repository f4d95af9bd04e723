-- read_api_keys: every key that opens the door, sorted by hash.
-- column id     uuid
-- column hash   bytea
-- column scopes text
-- column rate_per_s integer
-- column burst  integer
-- rows   0 to 100000; more keys than that do not fit the keyring's memory
SELECT id, hash, array_to_string(scopes, ' '), coalesce(rate_per_s, 0), coalesce(burst, 0)
  FROM api_key
 WHERE revoked_at IS NULL
 ORDER BY hash
 LIMIT 100000;
