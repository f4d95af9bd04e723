-- find_story: the authorization that an id is about, by whichever of its names.
-- param  transaction_key  uuid      of tenant and transaction id
-- param  id               uuid      an authorization's or a saga's; NULL: it is no such id
-- param  lane             smallint  of that id, if it is an authorization's
-- column found_by         text      transaction, authorization, saga
-- column now              timestamptz
-- column lane             smallint
-- column id               uuid
-- column transaction_id   text
-- column user_id          text
-- column account_id       uuid
-- column status           text
-- column version          bigint
-- column decision         text
-- column decision_code    text
-- column reasons          text
-- column currency         text
-- column requested_minor  bigint
-- column approved_minor   bigint
-- column remaining_minor  bigint
-- column available_minor  bigint
-- column limit_minor      bigint       or NULL: an older version decided
-- column held_minor       bigint       likewise
-- column expires_at       timestamptz  or NULL
-- column saga_id          uuid         or NULL
-- column trace_id         text
-- column created_at       timestamptz
-- rows   0 or 1
WITH found AS (
    SELECT 1 AS place, 'transaction' AS found_by, lane, authorization_id AS id
      FROM "authorization".decided_transaction
     WHERE transaction_key = $1::uuid
    UNION ALL
    SELECT 2, 'authorization', lane, id
      FROM "authorization".credit_authorization
     WHERE lane = $3::smallint AND id = $2::uuid
    UNION ALL
    SELECT 3, 'saga', lane, authorization_id
      FROM saga.saga
     WHERE lane = ANY (ARRAY(SELECT generate_series(0, 63)::smallint)) AND id = $2::uuid
)
SELECT f.found_by, now(), a.lane, a.id, a.transaction_id, a.user_id, a.account_id, a.status,
       a.version, a.decision, a.decision_code, a.reasons, a.currency, a.requested_minor,
       a.approved_minor, a.remaining_minor, a.available_minor, a.limit_minor, a.held_minor,
       a.expires_at, a.saga_id, a.trace_id, a.created_at
  FROM found AS f
  JOIN "authorization".credit_authorization AS a ON a.lane = f.lane AND a.id = f.id
 ORDER BY f.place
 LIMIT 1;
