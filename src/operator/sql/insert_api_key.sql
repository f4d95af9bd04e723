-- insert_api_key: keep a new key's hash; the key itself is shown once and kept nowhere.
-- param  id      uuid
-- param  prefix  text
-- param  hash    bytea
-- param  name    text
-- param  scopes  text[]
-- rows   none
INSERT INTO gateway.api_key (id, prefix, hash, name, scopes)
VALUES ($1, $2, $3, $4, $5);
