-- claim_inbox: claim events for a consumer group; only those that nobody claimed before come back.
-- param  consumer_group text
-- param  event_ids      uuid[]  ascending, so that two consumers cannot deadlock
-- column event_id       uuid
-- rows   in ascending order
-- locks  waits for another transaction that has claimed the same event
INSERT INTO inbox (consumer_group, event_id)
SELECT $1::text, claim.event_id
  FROM unnest($2::uuid[]) WITH ORDINALITY AS claim (event_id, ordinality)
 ORDER BY claim.ordinality
    ON CONFLICT DO NOTHING
RETURNING event_id;
