-- count_active_sagas: how many sagas have not ended, by type and state.
-- column type   text
-- column state  text
-- column sagas  bigint
-- rows   one for each type and state that has any
SELECT type, state, count(*) AS sagas
  FROM saga
 WHERE state IN ('started', 'running', 'compensating', 'stuck')
   AND state <> 'completed' -- so that the index of those that are not is taken
 GROUP BY type, state;
