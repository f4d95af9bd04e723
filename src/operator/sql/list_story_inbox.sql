-- list_story_inbox: which events have had their effect, and when. What an operator has discarded
-- stands there without one.
-- param  event_ids       uuid[]
-- column consumer_group  text
-- column event_id        uuid
-- column received_at     timestamptz
-- rows   0 or more
SELECT i.consumer_group, i.event_id, i.received_at
  FROM operator.inbox AS i
 WHERE i.event_id = ANY ($1::uuid[])
   AND NOT EXISTS (SELECT FROM operator.dead_letter AS l
                    WHERE l.room = i.room AND l.consumer_group = i.consumer_group
                      AND l.event_id = i.event_id AND l.discarded_at = l.redriven_at)
 ORDER BY i.received_at;
