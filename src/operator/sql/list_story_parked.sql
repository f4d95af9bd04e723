-- list_story_parked: messages about an authorization that wait parked, with what their key waits
-- for.
-- param  subjects         text[]  the authorization and its sagas
-- column consumer_group   text
-- column event_id         uuid
-- column type             text    ce_type, or NULL
-- column before           bigint  messages of its key that are tried first
-- column reason           text
-- column attempts         integer
-- column first_failed_at  timestamptz
-- column next_try_at      timestamptz
-- rows   0 or more
SELECT m.consumer_group, m.event_id, substring(m.headers FROM '"ce_type" *: *"([^"\\]*)"'),
       m.before, k.reason, k.attempts, k.first_failed_at, k.next_try_at
  FROM (SELECT p.*, row_number() OVER (PARTITION BY consumer_group, topic, key
                                           ORDER BY is_redriven DESC, seq) - 1 AS before
          FROM (SELECT consumer_group, topic, key, event_id, seq, headers, is_redriven
                  FROM "authorization".parked_message
                UNION ALL
                SELECT consumer_group, topic, key, event_id, seq, headers, is_redriven
                  FROM ledger.parked_message
                UNION ALL
                SELECT consumer_group, topic, key, event_id, seq, headers, is_redriven
                  FROM saga.parked_message) AS p) AS m
  JOIN (SELECT consumer_group, topic, key, reason, attempts, first_failed_at, next_try_at
          FROM "authorization".parked_key
        UNION ALL
        SELECT consumer_group, topic, key, reason, attempts, first_failed_at, next_try_at
          FROM ledger.parked_key
        UNION ALL
        SELECT consumer_group, topic, key, reason, attempts, first_failed_at, next_try_at
          FROM saga.parked_key) AS k
    ON k.consumer_group = m.consumer_group AND k.topic = m.topic AND k.key = m.key
 WHERE EXISTS (SELECT FROM unnest($1::text[]) AS wanted (id) WHERE strpos(m.headers, wanted.id) > 0)
 ORDER BY k.first_failed_at, m.before;
