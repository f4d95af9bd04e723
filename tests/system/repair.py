"""The operator's tools that repair: sagas, dead letters, parked keys; and what they leave in the
audit."""
import json


def tool(system, *args, code=0):
    done = system.tallystick(*args)
    assert done.returncode == code, f"{args}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def asked(system, *args, code=0):
    """What a tool prints for programs."""
    return json.loads(tool(system, *args, "-o", "json", code=code).stdout)


def deed(system, verb, *sagas, reason="a test", code=0, more=()):
    """One line for each saga of `saga retry` and its like."""
    return asked(system, "saga", verb, *sagas, "--reason", reason, *more, code=code)


def audited(system, subject):
    """What operators have done to something, in order."""
    return system.sql("""SELECT action, os_user, database_user, reason, detail::json AS detail
                           FROM operator.audit WHERE subject = %s ORDER BY seq""", subject)


def check_audit(system):
    assert system.sql("""SELECT seq FROM operator.audit_link WHERE hash <> recomputed_hash
                             OR previous_hash <> hash_before OR seq <> seq_before + 1""") == []
