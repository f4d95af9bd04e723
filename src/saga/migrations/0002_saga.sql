-- 0002_saga: sagas and their steps. Every key starts with the lane of the account, so that a batch
-- of one worker's lanes stays on one server.

CREATE TABLE saga (
    lane               smallint    NOT NULL CHECK (lane BETWEEN 0 AND 63),
    id                 uuid        NOT NULL, -- of the event that started it
    type               text        NOT NULL CHECK (type IN ('authorize', 'release')),
    authorization_id   uuid        NOT NULL,
    account_id         uuid        NOT NULL,
    user_id            text        NOT NULL,
    tenant_id          text        NOT NULL,
    amount_minor       bigint      NOT NULL CHECK (amount_minor >= 0),
    currency           text        NOT NULL,
    state              text        NOT NULL CHECK (state IN ('started', 'running', 'completed',
                                   'compensating', 'compensated', 'stuck', 'abandoned')),
    step               text        NOT NULL,
    command_id         uuid,                 -- of the step; a repeat keeps it
    command_event_id   uuid,                 -- its last sending: in the outbox until published
    tries              integer     NOT NULL, -- sendings of the step's command
    deadline_at        timestamptz,          -- NULL: waits for no answer
    started_at         timestamptz NOT NULL,
    step_started_at    timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL,
    version            bigint      NOT NULL CHECK (version >= 1), -- events told, gapless
    origin_traceparent text        NOT NULL,
    reason             text,
    PRIMARY KEY (lane, id),
    -- A business transaction has one saga of each type, however often its event arrives.
    UNIQUE (lane, authorization_id, type)
);
CREATE INDEX saga_deadline ON saga (deadline_at) WHERE deadline_at IS NOT NULL;
-- All but the completed are few.
CREATE INDEX saga_not_completed ON saga (state, lane, id) WHERE state <> 'completed';

CREATE TABLE saga_step (
    lane        smallint    NOT NULL,
    saga_id     uuid        NOT NULL,
    step        text        NOT NULL,
    op          text        NOT NULL CHECK (op IN ('do', 'undo')),
    state       text        NOT NULL CHECK (state IN ('pending', 'in_flight', 'done', 'failed',
                            'unknown', 'compensating', 'compensated', 'comp_failed', 'skipped')),
    command_id  uuid,
    tries       integer     NOT NULL,
    started_at  timestamptz NOT NULL,
    finished_at timestamptz,
    reason      text,
    PRIMARY KEY (lane, saga_id, step, op)
);

-- Has a command left? Only commands are asked for; they enter and leave in order of time.
CREATE INDEX outbox_command ON outbox (id) WHERE command_id IS NOT NULL;

GRANT SELECT, INSERT, UPDATE ON saga, saga_step TO tallystick_saga;
