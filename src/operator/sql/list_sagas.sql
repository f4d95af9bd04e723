-- list_sagas: the newest sagas, of one state or of all.
-- param  state             text
-- param  count_max         bigint
-- column id                uuid
-- column type              text
-- column state             text
-- column step              text
-- column authorization_id  uuid
-- column user_id           text
-- column tries             text
-- column started_at        text
-- column updated_at        text
-- rows   0 to count_max; state NULL: every state
SELECT id, type, state, step, authorization_id, user_id, tries::text,
       to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
       to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
  FROM saga.saga
 WHERE $1::text IS NULL OR state = $1
 ORDER BY id DESC
 LIMIT $2;
