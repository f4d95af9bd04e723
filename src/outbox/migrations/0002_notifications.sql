-- The outbox processor reads the bus too: the group `notify` sends events to others.
GRANT INSERT, UPDATE, DELETE ON bus_cursor TO tallystick_outbox;
