-- 0010_appended_events: events come by COPY, which appends many rows at once only where no default
-- has to be asked anew for each of them.
ALTER TABLE outbox ALTER COLUMN created_at SET DEFAULT statement_timestamp();
