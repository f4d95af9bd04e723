-- find_dead_letter: one dead letter, as pairs of a field's name and its value.
-- param  id     uuid
-- column field  text
-- column value  text
-- rows   0 (unknown) or one for each field; headers and payload are the last
SELECT field.name, field.value
  FROM operator.dead_letter AS l
 CROSS JOIN LATERAL (SELECT 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"' AS form) AS time
 CROSS JOIN LATERAL (VALUES
           ('id', l.id::text),
           ('state', CASE
                WHEN l.redriven_at IS NULL THEN 'open'
                WHEN l.discarded_at = l.redriven_at THEN 'discarded'
                WHEN EXISTS (SELECT FROM operator.parked_message AS m
                              WHERE m.room = l.room AND m.consumer_group = l.consumer_group
                                AND m.event_id = l.event_id) THEN 'redriven, waits for its turn'
                WHEN EXISTS (SELECT FROM operator.inbox AS i
                              WHERE i.room = l.room AND i.consumer_group = l.consumer_group
                                AND i.event_id = l.event_id) THEN 'redriven, applied'
                ELSE 'redriven, had no effect' END),
           ('group', l.consumer_group),
           ('error_class', l.error_class),
           ('error_code', l.error_code),
           ('error_message', l.error_message),
           ('attempts', l.attempts::text),
           ('first_failed_at', to_char(l.first_failed_at AT TIME ZONE 'UTC', time.form)),
           ('last_failed_at', to_char(l.last_failed_at AT TIME ZONE 'UTC', time.form)),
           ('redrive_count', l.redrive_count::text),
           ('redrive_id', l.redrive_id::text),
           ('redriven_at', to_char(l.redriven_at AT TIME ZONE 'UTC', time.form)),
           ('discard_id', l.discard_id::text),
           ('discarded_at', to_char(l.discarded_at AT TIME ZONE 'UTC', time.form)),
           ('service_version', l.service_version),
           ('trace_id', l.trace_id),
           ('event_id', l.event_id::text),
           ('type', l.type),
           ('key', l.key::text),
           ('topic', l.topic),
           ('partition', l.partition::text),
           ('offset', l."offset"::text),
           ('published_at', to_char(l.published_at AT TIME ZONE 'UTC', time.form)),
           ('headers', l.headers),
           ('payload', l.payload)) AS field (name, value)
 WHERE l.id = $1;
