"""contracts/openapi.yaml against the running door, by schemathesis: requests that fit the document
and requests that do not, one by one and in sequences. No answer is 5xx, every answer is as
declared, what does not fit is refused, nobody gets in without a key, and the books are right
afterwards.

Longer, with another seed each time: make fuzz-contract SECONDS=600 [SEED=n]."""
import os
import re
import subprocess
import sys

import pytest
import yaml
from conftest import opened

from system.harness import ROOT, System, clean_environment

SECONDS = os.environ.get("TALLYSTICK_FUZZ_SECONDS")
SEED = os.environ["TALLYSTICK_TEST_SEED"] if SECONDS else "1"
EXAMPLES = "5"  # of each operation and phase, where no time is given
DOCUMENT = ROOT / "contracts/openapi.yaml"


@pytest.fixture(scope="module")
def door(cluster):
    """In production's profile: a key is needed, and has every scope."""
    system = System(cluster, "prod", {"TALLYSTICK_DRAIN_MS": 0})
    made = system.tallystick("key", "create", "--name", "fuzz", "--scopes", "admin")
    system.key = made.stdout.split()[-1]
    with opened(system):
        yield system


def fuzz(door, folder, document, *options):
    """Its exit code, and what it says."""
    program = [sys.executable, "-m", "schemathesis.cli"]
    common = ["--config-file", ROOT / "tests/contracts/schemathesis.toml"]
    run = ["run", document, "--url", door.url(), "--no-color", "--continue-on-failure",
           "--seed", SEED, "--header", f"Authorization: Bearer {door.key}", *options]
    env = clean_environment() | {"SCHEMATHESIS_HOOKS": "contracts.checks",
                                 "PYTHONPATH": str(ROOT / "tests"), "COLUMNS": "120"}
    done = subprocess.run([str(part) for part in (*program, *common, *run)], env=env, cwd=folder,
                          capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.timeout(300 + int(SECONDS or 0))
def test_every_answer_is_as_declared(door, tmp_path):
    budget = ("--max-time", SECONDS) if SECONDS else ("--max-examples", EXAMPLES)
    code, said = fuzz(door, tmp_path, DOCUMENT, *budget)
    print("\n".join(re.findall(r"^(?:Seed:.*|  \d+ generated.*|    Scenarios:.*)$", said, re.M)))
    assert code == 0, said
    assert int(re.search(r"(\d+) generated", said)[1]) > 200
    door.settle()
    door.verify()


# ---- what is held against the door is seen to fail -----------------------------------------------

def break_body(document):
    """It promises a number as a text."""
    account = document["components"]["schemas"]["Account"]
    account["properties"]["version"] = {"type": "string"}


def break_status(document):
    """It promises nothing of an account that is there or is made."""
    for status in ("200", "201"):
        del document["paths"]["/v1/accounts/{user_id}"]["put"]["responses"][status]


def break_request(document):
    """It lets an account have a status that is none, and shows one."""
    request = document["components"]["schemas"]["AccountRequest"]
    request["properties"]["status"]["enum"] = ["asleep"]
    put = document["paths"]["/v1/accounts/{user_id}"]["put"]
    put["requestBody"]["content"]["application/json"]["example"] = {"status": "asleep"}


@pytest.mark.parametrize(("break_it", "said"), [
    (break_body, "Response violates schema"),
    (break_status, "Undocumented status code"),
    (break_request, "it fits the document and is refused"),
])
def test_a_broken_promise_is_seen(door, tmp_path, break_it, said):
    document = yaml.safe_load(DOCUMENT.read_text())
    document["components"]["parameters"]["UserId"]["example"] = "user-broken"  # nobody else's
    break_it(document)
    broken = tmp_path / "openapi.yaml"
    broken.write_text(yaml.safe_dump(document))
    code, text = fuzz(door, tmp_path, broken, "--phases", "examples", "--include-operation-id",
                      "putAccount")
    assert code == 1 and said in text, text


def test_a_server_error_is_seen(door, tmp_path):
    """Last: nobody is behind the door any more."""
    door.stop("authorization")
    try:
        code, said = fuzz(door, tmp_path, DOCUMENT, "--max-examples", "1", "--phases", "examples",
                          "--include-operation-id", "authorize")
    finally:
        door.start("authorization")
    assert code == 1 and "Server error" in said, said
