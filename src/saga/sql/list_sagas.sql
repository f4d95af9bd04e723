-- list_sagas: sagas that are stuck, compensated or abandoned, after a place in the order
-- (lane, id).
-- param  state            text
-- param  after_lane       smallint
-- param  after_id         uuid
-- param  count_max        integer
-- column id               uuid
-- column type             text
-- column state            text
-- column step             text
-- column authorization_id uuid
-- column account_id       uuid
-- column tries            integer
-- column reason           text
-- column started_at       timestamptz
-- column updated_at       timestamptz
-- column lane             smallint
-- rows   0 to count_max
SELECT id, type, state, step, authorization_id, account_id, tries, reason, started_at, updated_at,
       lane
  FROM saga
 WHERE state = $1
   AND state IN ('stuck', 'compensated', 'abandoned') -- as its index says
   AND (lane, id) > ($2::smallint, $3::uuid)
 ORDER BY lane, id
 LIMIT $4::integer;
