-- insert_api_key: keep a new key's hash; the key itself is shown once and kept nowhere.
-- param  id      uuid
-- param  prefix  text
-- param  hash    bytea
-- param  name    text
-- param  scopes  text[]
-- param  rate_per_s  integer
-- param  burst   integer
-- rows   none
INSERT INTO gateway.api_key (id, prefix, hash, name, scopes, rate_per_s, burst)
VALUES ($1, $2, $3, $4, $5, $6, $7);
