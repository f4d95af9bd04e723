-- 0009_saga_indexes: a saga waits for an answer (it has a deadline then), or has completed, or is
-- one of the few others. A booking that goes well enters the index of those that wait, no other.

CREATE INDEX saga_uncommon ON saga (state, lane, id)
 WHERE state IN ('stuck', 'compensated', 'abandoned');
DROP INDEX saga_not_completed; -- every saga went into it and out again
