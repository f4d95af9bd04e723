-- insert_transactions: transaction ids that are decided from now on, for ever.
-- param  transaction_keys  uuid[]
-- param  lanes             smallint[]
-- param  authorization_ids uuid[]
-- rows   none
-- locks  the unique index, in ascending key order; 23505: another batch decided one of them
INSERT INTO decided_transaction (transaction_key, lane, authorization_id)
SELECT v.transaction_key, v.lane, v.authorization_id
  FROM unnest($1::uuid[], $2::smallint[], $3::uuid[]) AS v (transaction_key, lane, authorization_id)
 ORDER BY v.transaction_key;
