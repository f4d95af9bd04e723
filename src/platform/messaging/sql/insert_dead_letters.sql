-- insert_dead_letters: keep messages that cannot be applied. One that comes again opens its row
-- again.
-- param  consumer_group  text
-- param  service_version text
-- param  ids             uuid[]
-- param  keys            uuid[]
-- param  event_ids       uuid[]
-- param  topics          text[]
-- param  partitions      integer[]
-- param  offsets         bigint[]
-- param  published_at    timestamptz[]
-- param  types           text[]
-- param  headers         text[]
-- param  payloads        text[]
-- param  attempts        integer[]
-- param  error_classes   text[]
-- param  error_codes     text[]
-- param  error_messages  text[]
-- param  first_failed_at timestamptz[]
-- param  last_failed_at  timestamptz[]
-- param  trace_ids       text[]
-- param  traceparents    text[]
INSERT INTO dead_letter (consumer_group, service_version, id, key, event_id, topic, partition,
                         "offset", published_at, type, headers, payload, attempts, error_class,
                         error_code, error_message, first_failed_at, last_failed_at, trace_id,
                         traceparent)
SELECT DISTINCT ON (d.event_id) $1::text, $2::text, d.*
  FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::integer[], $8::bigint[],
              $9::timestamptz[], $10::text[], $11::text[], $12::text[], $13::integer[],
              $14::text[], $15::text[], $16::text[], $17::timestamptz[], $18::timestamptz[],
              $19::text[], $20::text[])
       AS d (id, key, event_id, topic, partition, "offset", published_at, type, headers, payload,
             attempts, error_class, error_code, error_message, first_failed_at, last_failed_at,
             trace_id, traceparent)
    ON CONFLICT (event_id, consumer_group) DO UPDATE
   SET attempts = dead_letter.attempts + excluded.attempts,
       error_class = excluded.error_class,
       error_code = excluded.error_code,
       error_message = excluded.error_message,
       last_failed_at = excluded.last_failed_at,
       service_version = excluded.service_version,
       traceparent = excluded.traceparent,
       redriven_at = NULL;
