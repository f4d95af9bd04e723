-- begin_verify: one snapshot for all invariants; whole tables are read, so in their own order.
-- rows   none; a script, run in the SQL transaction of verify
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL enable_seqscan = on;
SET LOCAL work_mem = '64MB';
