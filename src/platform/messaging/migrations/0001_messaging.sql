-- What every service that speaks on the event bus keeps in its own schema: outbox, inbox, parked
-- keys, dead letters. Run in the schema of each such service (search_path); the service's role is
-- tallystick_<schema>.

-- What the service has to say. Debezium's column names (id, aggregatetype, aggregateid, type,
-- payload), so that change data capture could replace the outbox processor.
CREATE TABLE outbox (
    -- Orders: drawn under the account's lock, so an account's visible events are always a prefix.
    seq                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lane               smallint    NOT NULL CHECK (lane BETWEEN 0 AND 63),
    id                 uuid        NOT NULL, -- the event's id
    aggregatetype      text        NOT NULL, -- makes the topic; what ends in .dlq is one
    aggregateid        uuid        NOT NULL,
    partitionkey       uuid        NOT NULL,
    type               text        NOT NULL,
    sequence           bigint      NOT NULL, -- the aggregate's version after this event
    tenant_id          text        NOT NULL,
    payload            text        NOT NULL,
    saga_id            uuid,
    command_id         uuid,
    traceparent        text        NOT NULL,
    origin_traceparent text        NOT NULL,
    headers            text,                 -- published as they are; NULL: made from the columns
    created_at         timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
        autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 100000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000);

-- One row per lane: whoever relays a lane holds its row's lock for the time of one transaction.
CREATE TABLE outbox_lane (
    lane smallint PRIMARY KEY
);
INSERT INTO outbox_lane SELECT generate_series(0, 63);

-- Which events have had their effect. Ids are time-ordered, so retention deletes by id.
CREATE TABLE inbox (
    consumer_group text        NOT NULL,
    event_id       uuid        NOT NULL,
    received_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (event_id, consumer_group)
);

-- A key whose first message could not be applied: it and all later messages of the key on that
-- topic wait in order.
CREATE TABLE parked_key (
    consumer_group  text        NOT NULL,
    topic           text        NOT NULL,
    key             uuid        NOT NULL,
    reason          text        NOT NULL,
    error_class     text        NOT NULL,
    attempts        integer     NOT NULL DEFAULT 1, -- failed tries of the first message
    first_failed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_failed_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    next_try_at     timestamptz NOT NULL,
    PRIMARY KEY (consumer_group, topic, key)
);
CREATE INDEX parked_key_due ON parked_key (consumer_group, next_try_at);

CREATE TABLE parked_message (
    seq            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- the order of the bus
    consumer_group text        NOT NULL,
    topic          text        NOT NULL,
    key            uuid        NOT NULL,
    event_id       uuid        NOT NULL,
    partition      integer     NOT NULL,
    "offset"       bigint      NOT NULL,
    published_at   timestamptz NOT NULL,
    headers        text        NOT NULL,
    payload        text        NOT NULL,
    UNIQUE (consumer_group, topic, key, event_id)
);

-- What could not be applied at all. The same bytes and headers; redrive keeps the event id.
CREATE TABLE dead_letter (
    id              uuid PRIMARY KEY,
    consumer_group  text        NOT NULL,
    key             uuid        NOT NULL,
    event_id        uuid        NOT NULL,
    topic           text        NOT NULL,
    partition       integer     NOT NULL,
    "offset"        bigint      NOT NULL,
    published_at    timestamptz NOT NULL,
    headers         text        NOT NULL,
    payload         text        NOT NULL,
    attempts        integer     NOT NULL,
    error_class     text        NOT NULL,
    error_message   text        NOT NULL,
    first_failed_at timestamptz NOT NULL,
    last_failed_at  timestamptz NOT NULL,
    service_version text        NOT NULL,
    trace_id        text        NOT NULL,
    redrive_count   integer     NOT NULL DEFAULT 0,
    redriven_at     timestamptz,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (event_id, consumer_group) -- a message that comes again is the same dead letter
);
CREATE INDEX dead_letter_open ON dead_letter (created_at) WHERE redriven_at IS NULL;

DO $$
DECLARE
    service text := format('%I', 'tallystick_' || current_schema());
BEGIN
    EXECUTE 'GRANT SELECT, INSERT ON outbox TO ' || service;
    EXECUTE 'GRANT SELECT, INSERT, UPDATE, DELETE '
            'ON inbox, parked_key, parked_message, dead_letter TO ' || service;
    -- The outbox processor takes what the service has to say, and sees nothing else of it.
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO tallystick_outbox', current_schema());
    GRANT SELECT, DELETE ON outbox TO tallystick_outbox;
    GRANT SELECT, UPDATE ON outbox_lane TO tallystick_outbox; -- UPDATE: to lock its rows
END
$$;
