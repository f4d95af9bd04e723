-- delete_parked_messages: messages that need to wait no longer.
-- param  seqs bigint[]
DELETE FROM parked_message
 WHERE seq = ANY ($1::bigint[]);
