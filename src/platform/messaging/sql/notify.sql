-- notify: wake whoever listens on a channel. Nothing is lost that a commit should keep, so the
-- commit need not wait for the disk.
-- param  channel text
SELECT set_config('synchronous_commit', 'off', true), pg_notify($1::text, '');
