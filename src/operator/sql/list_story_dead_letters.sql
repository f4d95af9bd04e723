-- list_story_dead_letters: messages about an authorization that died, redriven since or not.
-- param  subjects        text[]  the authorization and its sagas
-- column id              uuid
-- column consumer_group  text
-- column event_id        uuid
-- column type            text
-- column error_code      text
-- column error_message   text
-- column attempts        integer
-- column is_open         boolean
-- column last_failed_at  timestamptz
-- rows   0 or more
SELECT l.id, l.consumer_group, l.event_id, l.type, l.error_code, l.error_message, l.attempts,
       l.redriven_at IS NULL, l.last_failed_at
  FROM operator.dead_letter AS l
 WHERE EXISTS (SELECT FROM unnest($1::text[]) AS wanted (id)
                WHERE strpos(l.headers, wanted.id) > 0 OR strpos(l.payload, wanted.id) > 0)
 ORDER BY l.last_failed_at;
