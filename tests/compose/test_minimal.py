"""compose.minimal.yaml, with its door closed: PostgreSQL and the services alone, the prod profile,
keys and accounts made by the operator's commands, as docs/guides/compose.md tells."""
import time
import uuid

import pytest
import requests
from system.common import wait_until

from compose.stack import SERVICES, STOP_TIMEOUT_S, Stack


@pytest.fixture(scope="module", params=["docker-compose", "docker compose"])
def stack(request):
    it = Stack(f"{request.param} -f compose.minimal.yaml")
    it.env["TALLYSTICK_PROFILE"] = "prod"
    try:
        yield it
    finally:
        it.close()


def test_prod(stack, note):
    stack.compose("up", "--build", "--detach", "authorization")
    made = stack.tallystick("key", "create", "--name", "me", "--scopes", "admin")
    assert made.returncode == 0, made.stderr
    key = made.stdout.split()[-1]
    opened = stack.tallystick("account", "put", "user-6789", "--credit-limit", "1000.00",
                              "--currency", "USD")
    assert opened.returncode == 0, opened.stderr
    stack.compose("up", "--detach")
    wait_until(lambda: all(map(stack.is_healthy, (*SERVICES, "postgres"))), 120, 0.5, "all healthy")

    def ask(user, **headers):
        return requests.post(
            f"http://127.0.0.1:{stack.port}/authorize", timeout=20,
            headers={"Idempotency-Key": str(uuid.uuid4())} | headers,
            json={"transaction_id": f"tx-{uuid.uuid4()}", "user_id": user, "amount": 99.99})

    assert ask("user-6789").status_code == 401
    bearer = {"Authorization": f"Bearer {key}"}
    assert ask("user-6789", **bearer).json()["status"] == "approved"
    assert ask("a-stranger", **bearer).json()["status"] == "declined"
    stack.verify()
    started = time.monotonic()
    stack.compose("stop")
    took_s = time.monotonic() - started
    note(f"{stack.command}: stop in the prod profile {took_s:.1f} s")
    assert took_s < STOP_TIMEOUT_S
