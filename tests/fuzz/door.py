"""What stands behind the target `door`: four services and their database. The gateway, with its own
options alone in the environment, is the target's own."""
import contextlib

from system.harness import System

BEHIND = ("authorization", "ledger", "outbox", "saga")
GATEWAYS = ("DATABASE_URL", "PROFILE", "SERVICE_SECRET_FILE", "LOG_FORMAT", "GATEWAY_PORT",
            "GATEWAY_ADMIN_PORT", "AUTHORIZATION_URL", "LEDGER_URL", "SAGA_URL")
# A busy machine is no finding: nothing is to end for being slow.
PATIENT = {"DECISION_TIMEOUT_MS": "60000", "LOG_LEVEL": "error"}


def environment(system):
    ours = {f"TALLYSTICK_{name}" for name in GATEWAYS}
    kept = {name: value for name, value in system.env.items()
            if not name.startswith("TALLYSTICK_") or name in ours}
    return kept | {f"TALLYSTICK_{name}": value for name, value in PATIENT.items()}


@contextlib.contextmanager
def behind(cluster, is_whole=True):
    """An environment for the target. Whatever it did: all is booked to its end, `verify` finds no
    fault, and no service has broken."""
    system = System(cluster)
    try:
        system.start(*BEHIND)
        yield environment(system)
        made = system.sql('SELECT count(*) FROM "authorization".credit_authorization')[0].count
        assert made > 0 or not is_whole, "nothing of what was sent came through to a decision"
        system.settle()
        system.verify()
    finally:
        system.close()
