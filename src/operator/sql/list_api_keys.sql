-- list_api_keys: every key that was ever made, oldest first.
-- column id          uuid
-- column prefix      text
-- column name        text
-- column scopes      text
-- column rate_per_s  text
-- column burst       text
-- column created_at  text
-- column revoked_at  text
-- rows   one for each
SELECT id, prefix, name, array_to_string(scopes, ','), rate_per_s::text, burst::text,
       to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
       to_char(revoked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
  FROM gateway.api_key
 ORDER BY id;
