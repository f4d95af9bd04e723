-- list_story_inbox: which events have had their effect, and when.
-- param  event_ids       uuid[]
-- column consumer_group  text
-- column event_id        uuid
-- column received_at     timestamptz
-- rows   0 or more
SELECT consumer_group, event_id, received_at
  FROM operator.inbox
 WHERE event_id = ANY ($1::uuid[])
 ORDER BY received_at;
