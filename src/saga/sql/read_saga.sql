-- read_saga: one saga by its id alone; its lane is not known, so each is looked into.
-- param  id               uuid
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
-- rows   0 or 1
SELECT id, type, state, step, authorization_id, account_id, tries, reason, started_at, updated_at,
       lane
  FROM saga
 WHERE lane = ANY (ARRAY(SELECT generate_series(0, 63)::smallint))
   AND id = $1;
