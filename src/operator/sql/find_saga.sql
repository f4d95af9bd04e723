-- find_saga: one saga, as pairs of a field's name and its value.
-- param  id     uuid
-- column field  text
-- column value  text
-- rows   0 (unknown) or one for each field
SELECT field.name, field.value
  FROM saga.saga AS s
 CROSS JOIN LATERAL (VALUES
           ('id', s.id::text),
           ('type', s.type),
           ('state', s.state),
           ('step', s.step),
           ('reason', s.reason),
           ('authorization_id', s.authorization_id::text),
           ('user_id', s.user_id),
           ('account_id', s.account_id::text),
           ('amount_minor', s.amount_minor::text),
           ('currency', s.currency),
           ('tries', s.tries::text),
           ('version', s.version::text),
           ('started_at',
            to_char(s.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')),
           ('updated_at',
            to_char(s.updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')),
           ('deadline_at',
            to_char(s.deadline_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')),
           ('traceparent', s.origin_traceparent)) AS field (name, value)
 WHERE s.id = $1;
