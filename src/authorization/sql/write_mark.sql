-- write_mark: write something to the log, so that COMMIT waits for a synchronous standby. A COMMIT
-- that has written nothing does not wait, and what it has read may be on this server alone.
-- column position  text
-- rows   1
SELECT pg_logical_emit_message(true, 'tallystick', '')::text AS position;
