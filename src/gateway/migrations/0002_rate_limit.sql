-- 0002_rate_limit: how many requests each key may send. Both or neither: without, it has no limit.

ALTER TABLE api_key
    ADD COLUMN rate_per_s integer CHECK (rate_per_s BETWEEN 1 AND 1000000), -- over time
    ADD COLUMN burst      integer CHECK (burst BETWEEN 1 AND 1000000),      -- at once
    ADD CONSTRAINT api_key_limit_is_whole CHECK ((rate_per_s IS NULL) = (burst IS NULL));
