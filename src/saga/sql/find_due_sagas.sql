-- find_due_sagas: whose deadline has come; read without locks, to be locked and checked again.
-- param  count_max        integer
-- column lane             smallint
-- column authorization_id uuid
-- rows   0 to count_max, the oldest deadline first
SELECT lane, authorization_id
  FROM saga
 WHERE deadline_at <= now()
 ORDER BY deadline_at
 LIMIT $1::integer;
