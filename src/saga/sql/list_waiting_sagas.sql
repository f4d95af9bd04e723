-- list_waiting_sagas: as list_sagas, for the states in which a saga waits for an answer.
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
-- OFFSET 0 keeps the planner from walking through all sagas in their order.
SELECT id, type, state, step, authorization_id, account_id, tries, reason, started_at, updated_at,
       lane
  FROM (SELECT * FROM saga WHERE deadline_at IS NOT NULL OFFSET 0) AS waiting
 WHERE state = $1
   AND (lane, id) > ($2::smallint, $3::uuid)
 ORDER BY lane, id
 LIMIT $4::integer;
