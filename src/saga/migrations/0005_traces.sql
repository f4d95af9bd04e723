-- 0005_traces: what a saga says of its own accord, when a deadline comes, goes on in its trace.

ALTER TABLE saga
    ADD COLUMN last_traceparent text, -- the span that last moved it; NULL: not known
    ADD COLUMN tracestate       text; -- goes with its traces; NULL: none
