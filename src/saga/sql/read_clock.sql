-- read_clock: the database's time, to be asked after the locks.
-- column now timestamptz
-- rows   1
SELECT clock_timestamp() AS now;
