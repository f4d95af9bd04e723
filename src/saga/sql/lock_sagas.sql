-- lock_sagas: lock the sagas of some authorizations, in ascending order of their ids.
-- param  lanes             smallint[]
-- param  authorization_ids uuid[]
-- column id                uuid
-- rows   up to one of each type for each authorization
-- locks  saga, after the inbox
SELECT saga.id
  FROM unnest($1::smallint[], $2::uuid[]) AS wanted (lane, authorization_id)
  JOIN saga ON saga.lane = wanted.lane AND saga.authorization_id = wanted.authorization_id
 ORDER BY saga.id
   FOR NO KEY UPDATE OF saga;
