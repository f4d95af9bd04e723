-- save_holds: holds that were not known before.
-- copied lane             smallint
-- copied authorization_id uuid
-- copied account_id       uuid
-- copied currency         text
-- copied status           text
-- copied recorded_minor   bigint
-- copied pending_minor    bigint
-- copied version          bigint
-- copied journal_id       uuid
-- rows   none
-- locks  nothing that others wait for: the lane's chain head is locked
COPY hold
     (lane, authorization_id, account_id, currency, status, recorded_minor, pending_minor,
      version, journal_id)
FROM STDIN (FORMAT binary);
