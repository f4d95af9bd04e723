-- insert_keys: idempotency keys and how they were answered.
-- copied day              date
-- copied key_hash         bytea
-- copied fingerprint      bytea
-- copied lane             smallint
-- copied authorization_id uuid
-- copied version          bigint
-- copied http_status      smallint
-- copied shows_reasons    boolean
-- copied created_at       timestamptz
-- rows   none; 23505: another batch answered one of them meanwhile, or it has expired and is still
--        there (delete_expired_keys)
-- locks  the unique index, in the order of the rows: ascending (day, key_hash)
COPY idempotency_key
     (day, key_hash, fingerprint, lane, authorization_id, version, http_status, shows_reasons,
      created_at)
FROM STDIN (FORMAT binary);
