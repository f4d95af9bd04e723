-- delete_events: events that the bus has acknowledged.
-- param  seqs bigint[]
DELETE FROM outbox
 WHERE seq = ANY ($1::bigint[]);
