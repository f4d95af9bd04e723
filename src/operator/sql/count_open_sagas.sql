-- count_open_sagas: business transactions that have not come to their end.
-- column open   bigint
-- column stuck  bigint
-- rows   1
SELECT count(*), count(*) FILTER (WHERE state = 'stuck')
  FROM saga.saga
 WHERE state IN ('started', 'running', 'compensating', 'stuck');
