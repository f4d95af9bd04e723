"""The load driver of bench/load, as tests use it."""
import json
import subprocess

from system.harness import BINARY

DRIVER = BINARY.parents[1] / "bench/load/load"
TRANSACTION = '{"transaction_id":"%{run}-%{item}","user_id":"load-%{rand:1:500}","amount":"0.01"}'
HEADERS = ("Content-Type: application/json", "Idempotency-Key: %{run}-%{seq}")


def drive(system, path="/authorize", body=TRANSACTION, expect=0, **options):
    """What the driver says of a run: drive(system, connections=64, requests=5000). Ends with an
    error unless every request was answered as it should be (expect=None: or refused)."""
    command = [DRIVER, "--json", "--port", system.ports["gateway"], "--path", path, "--body", body]
    for header in HEADERS:
        command += ["--header", header]
    for name, value in ({"duration_ms": 60000} | options).items():
        command += [f"--{name.replace('_', '-')}", value]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          timeout=300)
    assert done.returncode == expect or expect is None, f"{done.stdout}{done.stderr}"
    return json.loads(done.stdout)


def drive_batches(system, batches, transaction=TRANSACTION, items=100, **options):
    """Batches of such transactions."""
    body = '{"items":[%{rep:' + str(items) + "}" + transaction + "%{end}]}"
    return drive(system, "/v1/authorizations/batch", body, requests=batches, items=items, **options)
