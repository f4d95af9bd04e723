-- 0001_gateway: the keys that clients show at the public door.
--
-- A key is shown once, when it is made; what is kept
-- is its hash. The gateway only reads: keys are made and revoked by `tallystick key`.

CREATE TABLE api_key (
    id         uuid        PRIMARY KEY,
    prefix     text        NOT NULL, -- the key's first characters: how people tell keys apart
    hash       bytea       NOT NULL UNIQUE -- SHA-256 of the whole key
                                 CHECK (octet_length(hash) = 32),
    name       text        NOT NULL,
    scopes     text[]      NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    revoked_at timestamptz           -- set once; a revoked key opens nothing
);

GRANT SELECT ON api_key TO tallystick_gateway;
