-- read_ages: for how long things wait that should not wait long.
-- column outbox           text    whose oldest event is the oldest of all, or NULL: none waits
-- column outbox_age_s     bigint
-- column outbox_count     bigint  events that wait in all outboxes
-- column stuck_count      bigint  sagas
-- column stuck_id         uuid    the oldest of them, or NULL
-- column open_id          uuid    the oldest saga that has not ended and is not stuck, or NULL
-- column open_age_s       bigint
-- column letter_count     bigint  dead letters that are open
-- column letter_id        uuid    the oldest of them, or NULL
-- column parked_count     bigint  messages that wait parked
-- column parked_age_s     bigint  since the first failure of the oldest
-- column expiry_lag_s     bigint  by which the oldest hold that is due is overdue
-- column api_key_count    bigint  that open the public door
-- rows   1
WITH outbox AS (
    SELECT 'authorization' AS room, created_at FROM "authorization".outbox
    UNION ALL
    SELECT 'ledger', created_at FROM ledger.outbox
    UNION ALL
    SELECT 'saga', created_at FROM saga.outbox
), parked_key AS (
    SELECT first_failed_at FROM "authorization".parked_key
    UNION ALL
    SELECT first_failed_at FROM ledger.parked_key
    UNION ALL
    SELECT first_failed_at FROM saga.parked_key
)
SELECT (SELECT room FROM outbox ORDER BY created_at LIMIT 1),
       coalesce(extract(epoch FROM clock_timestamp() - (SELECT min(created_at) FROM outbox)),
                0)::bigint,
       (SELECT count(*) FROM outbox),
       (SELECT count(*) FROM saga.saga WHERE state = 'stuck'),
       (SELECT id FROM saga.saga WHERE state = 'stuck' ORDER BY updated_at LIMIT 1),
       open.id, coalesce(extract(epoch FROM clock_timestamp() - open.started_at), 0)::bigint,
       (SELECT count(*) FROM operator.dead_letter WHERE redriven_at IS NULL),
       (SELECT id FROM operator.dead_letter WHERE redriven_at IS NULL ORDER BY id LIMIT 1),
       (SELECT count(*) FROM operator.parked_message),
       coalesce(extract(epoch FROM clock_timestamp() - (SELECT min(first_failed_at)
                                                          FROM parked_key)), 0)::bigint,
       greatest(coalesce(extract(epoch FROM clock_timestamp()
                                     - (SELECT min(next_expiry_at) FROM "authorization".account)),
                         0), 0)::bigint,
       (SELECT count(*) FROM gateway.api_key WHERE revoked_at IS NULL)
  FROM (SELECT 1) AS one
  LEFT JOIN (SELECT id, started_at
               FROM saga.saga
              WHERE deadline_at IS NOT NULL -- it waits, as each does that has not ended
              ORDER BY started_at
              LIMIT 1) AS open ON true;
