-- count_active_sagas: how many sagas have not ended, by type and state.
-- column type   text
-- column state  text
-- column sagas  bigint
-- rows   one for each type and state that has any
SELECT type, state, count(*) AS sagas
  FROM saga
 WHERE deadline_at IS NOT NULL
 GROUP BY type, state
UNION ALL
SELECT type, state, count(*)
  FROM saga
 WHERE state = 'stuck'
 GROUP BY type, state;
