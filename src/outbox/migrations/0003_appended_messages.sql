-- 0003_appended_messages: messages come by COPY, which appends many rows at once only where no
-- default has to be asked anew for each of them.
ALTER TABLE bus_message ALTER COLUMN published_at SET DEFAULT statement_timestamp();
