-- read_clock: the time of the business, read after the locks.
-- column now timestamptz
-- rows   1
SELECT clock_timestamp() AS now;
