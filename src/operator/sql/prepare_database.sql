-- prepare_database: roles, schemas and their lists of migrations; harmless when they exist.
-- rows   none; a script, run in one SQL transaction
-- A role may be made by a migration of another database of the same cluster at the same moment.
DO $$
DECLARE
    role_name text;
    room      record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('tallystick migrate'));

    FOREACH role_name IN ARRAY ARRAY['tallystick_outbox', 'tallystick_gateway',
        'tallystick_authorization', 'tallystick_ledger', 'tallystick_saga', 'tallystick_operator']
    LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I LOGIN', role_name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;
            END;
        END IF;
    END LOOP;

    FOR room IN SELECT * FROM (VALUES ('bus', 'tallystick_outbox'),
                                      ('gateway', 'tallystick_gateway'),
                                      ('authorization', 'tallystick_authorization'),
                                      ('ledger', 'tallystick_ledger'),
                                      ('saga', 'tallystick_saga'),
                                      ('operator', 'tallystick_operator'))
                             AS rooms (schema_name, role_name)
    LOOP
        IF to_regnamespace(quote_ident(room.schema_name)) IS NULL THEN
            EXECUTE format('CREATE SCHEMA %I', room.schema_name);
        END IF;
        EXECUTE format('REVOKE ALL ON SCHEMA %I FROM PUBLIC', room.schema_name);
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', room.schema_name, room.role_name);
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO tallystick_operator', room.schema_name);
        IF to_regclass(quote_ident(room.schema_name) || '.schema_migration') IS NULL THEN
            EXECUTE format(
                'CREATE TABLE %I.schema_migration ('
                '    version    integer     PRIMARY KEY,'
                '    name       text        NOT NULL,'
                '    sha256     text        NOT NULL,'
                '    applied_at timestamptz NOT NULL DEFAULT clock_timestamp())', room.schema_name);
        END IF;
        EXECUTE format('GRANT SELECT ON %I.schema_migration TO %I', room.schema_name,
            room.role_name);
    END LOOP;
END
$$;
