-- take_snapshot: everything this SQL transaction reads is of one moment, and it changes nothing.
-- rows   none
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;
