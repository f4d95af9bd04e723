-- claim_inbox: claim events for a consumer group; only those that nobody claimed before come back.
-- param  consumer_group text
-- param  event_ids      uuid[]  ascending, so that two consumers cannot deadlock
-- param  traceparents   text[]  of the messages
-- column event_id       uuid
-- rows   in ascending order
-- locks  waits for another transaction that has claimed the same event
INSERT INTO inbox (consumer_group, event_id, traceparent)
SELECT $1::text, claim.event_id, claim.traceparent
  FROM unnest($2::uuid[], $3::text[]) WITH ORDINALITY
       AS claim (event_id, traceparent, ordinality)
 ORDER BY claim.ordinality
    ON CONFLICT DO NOTHING
RETURNING event_id;
