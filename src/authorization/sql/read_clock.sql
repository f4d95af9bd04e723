-- read_clock: business time, read after the accounts are locked.
-- column now             timestamptz
-- rows   1
-- locks  none
SELECT clock_timestamp() AS now;
