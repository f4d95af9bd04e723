-- insert_transactions: transaction ids that are decided from now on, for ever.
-- copied transaction_key  uuid
-- copied lane             smallint
-- copied authorization_id uuid
-- rows   none; 23505: another batch decided one of them
-- locks  the unique index, in the order of the rows: ascending keys
COPY decided_transaction (transaction_key, lane, authorization_id)
FROM STDIN (FORMAT binary);
