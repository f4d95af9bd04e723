-- count_open_work: what has not come to its end: business transactions, and messages that were
-- laid aside.
-- column open_sagas       bigint
-- column stuck_sagas      bigint
-- column parked_messages  bigint
-- column dead_letters     bigint
-- column abandoned_sagas  bigint  given up by operators
-- column discarded        bigint  dead letters, likewise
-- rows   1
SELECT count(*), count(*) FILTER (WHERE state = 'stuck'),
       (SELECT count(*) FROM operator.parked_message),
       (SELECT count(*) FROM operator.dead_letter WHERE redriven_at IS NULL),
       (SELECT count(*) FROM saga.saga WHERE state = 'abandoned'),
       (SELECT count(*) FROM operator.dead_letter WHERE discarded_at = redriven_at)
  FROM saga.saga
 WHERE state IN ('started', 'running', 'compensating', 'stuck');
