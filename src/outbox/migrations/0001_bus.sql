-- The event bus on PostgreSQL, schema `bus`: topics of 64 ordered partitions, and how far each
-- consumer group has read. The outbox processor publishes; consumers read and move their cursors.

-- The head of each partition. Whoever publishes holds the row's lock to the commit, so offsets are
-- gapless and become visible in order. Hot rows: space in the page keeps their updates in place.
CREATE TABLE bus_partition (
    topic       text COLLATE "C" NOT NULL,
    partition   smallint         NOT NULL CHECK (partition BETWEEN 0 AND 63),
    next_offset bigint           NOT NULL DEFAULT 0,
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

CREATE TABLE bus_message (
    topic        text COLLATE "C" NOT NULL,
    partition    smallint         NOT NULL,
    "offset"     bigint           NOT NULL,
    key          uuid             NOT NULL,
    id           uuid             NOT NULL, -- ce_id
    headers      text             NOT NULL, -- a JSON object of texts
    payload      text             NOT NULL,
    published_at timestamptz      NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (topic, partition, "offset")
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.1);

-- How far a group has read. A member holds the row's lock from reading to confirming.
CREATE TABLE bus_cursor (
    consumer_group text             NOT NULL,
    topic          text COLLATE "C" NOT NULL,
    partition      smallint         NOT NULL,
    next_offset    bigint           NOT NULL,
    PRIMARY KEY (consumer_group, topic, partition)
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

GRANT USAGE ON SCHEMA bus
    TO tallystick_outbox, tallystick_authorization, tallystick_ledger, tallystick_saga;
GRANT SELECT, INSERT, UPDATE ON bus_partition TO tallystick_outbox;
GRANT SELECT, INSERT, DELETE ON bus_message TO tallystick_outbox; -- DELETE: retention
GRANT SELECT ON bus_cursor TO tallystick_outbox;                  -- what every group has read
GRANT SELECT ON bus_partition, bus_message
    TO tallystick_authorization, tallystick_ledger, tallystick_saga;
GRANT SELECT, INSERT, UPDATE, DELETE ON bus_cursor
    TO tallystick_authorization, tallystick_ledger, tallystick_saga;
