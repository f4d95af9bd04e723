"""`make run` from outside: ready, the printed request, Ctrl-C, again with the same data, and what
it says when it cannot run. Also through make on a terminal, where Ctrl-C is a key."""
import contextlib
import os
import pathlib
import pty
import re
import select
import signal
import socket
import subprocess
import tempfile
import time

import pytest

from system.harness import BINARY, ROOT, clean_environment, free_ports, wait_until

DOORS = ("GATEWAY", "AUTHORIZATION", "LEDGER", "SAGA", "GATEWAY_ADMIN", "AUTHORIZATION_ADMIN",
         "LEDGER_ADMIN", "OUTBOX_ADMIN", "SAGA_ADMIN")
STORY = ["request.received", "authorization.approved", "saga.started", "ledger.hold_recorded",
         "saga.completed"]
READY_S = 120  # sanitizers and a JVM on a busy machine
# The caller's own choices are not these tests'; where programs lie on this machine is.
DEFAULTS = {"BUS": "", "KEYSTORE": ""} | {
    name: value for name, value in os.environ.items() if name == "TALLYSTICK_DOWNLOADS"}


class Run:
    """One tools/run over a directory; its output collects in a file."""

    def __init__(self, var, ports, **env):
        numbers = {f"TALLYSTICK_{d}_PORT": str(p) for d, p in zip(DOORS, ports, strict=True)}
        self.out = open(var / "out", "w+b")
        self.process = subprocess.Popen(
            [ROOT / "tools/run", "--var", var, "--binary", BINARY], stdin=subprocess.DEVNULL,
            stdout=self.out, stderr=self.out, start_new_session=True,
            env=clean_environment() | DEFAULTS | numbers | env)

    def text(self):
        return os.pread(self.out.fileno(), 10_000_000, 0).decode()

    def wait_for(self, words, timeout=READY_S):
        wait_until(lambda: words in self.text() or self.process.poll() is not None, timeout,
                   what=f"'{words}' in {self.text()}")
        assert words in self.text()
        return self

    def end(self, number=signal.SIGINT):
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(60)


@pytest.fixture
def var():
    """A short path that the server's user may enter."""
    with tempfile.TemporaryDirectory(prefix="tallystick-test-", dir="/tmp") as name:
        os.chmod(name, 0o711)
        yield pathlib.Path(name)
        subprocess.run([ROOT / "tools/cluster", "destroy", name], check=True)


@pytest.fixture
def run(var):
    """Starts runs and ends those that a failed test has left."""
    runs = []

    def start(ports=None, **env):
        runs.append(Run(var, ports or free_ports(len(DOORS)), **env))
        return runs[-1]

    yield start
    for it in runs:
        it.end(signal.SIGTERM)


def ask(it, transaction="tx-12345"):
    """Sends the request of the README, found in what a run has printed."""
    printed = wait_until(lambda: re.search(r"curl -X POST .*?'\n", it.text(), re.S),
                         what="the printed request")[0]
    command = printed.replace("curl ", "curl -sS -w '%{http_code}' ", 1)
    return subprocess.run(["bash", "-c", command.replace("tx-12345", transaction)],
                          capture_output=True, text=True).stdout


def processes_of(var):
    """Process ids and command lines of what has the directory in its arguments or environment."""
    found = {}
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (process / "cmdline").read_bytes()
            if str(var).encode() in command + (process / "environ").read_bytes():
                found[int(process.name)] = command.decode().split("\0")
    return found


def test_run__first_request_and_its_story(run, var):
    it = run(TALLYSTICK_LOG_FORMAT="json").wait_for("Ready after")
    wait_story(it)
    assert ask(it).endswith("200")  # a replay of the transaction, under another key
    assert it.end() == 0
    assert processes_of(var) == {}


def wait_story(it, transaction="tx-12345"):
    """Sends the printed request, waits until it is booked, and checks what the logs tell of it."""
    answer = ask(it, transaction)
    assert answer.endswith("201") and '"status":"approved"' in answer
    it.wait_for('"event":"saga.completed"', 60)
    trace = re.search(r'"trace_id":"(\w+)"', answer)[1]
    events = re.findall(r'"trace_id":"%s".*?"event":"([\w.]+)"' % trace, it.text())
    positions = [events.index(event) for event in STORY]
    assert positions == sorted(positions), events
    # Said when the bus has acknowledged a whole batch: the saga may have begun by then.
    assert "event.published" in events


def test_run__again_keeps_data_and_is_quick(run):
    it = run().wait_for("Ready after")
    assert ask(it).endswith("201")
    assert it.end() == 0
    before = time.monotonic()
    again = run().wait_for("Ready after")
    seconds = time.monotonic() - before
    assert ask(again).endswith("200")
    assert again.end(signal.SIGTERM) == 0
    if "asan" not in str(BINARY):
        assert seconds < 3


@pytest.mark.parametrize("parts", [{"BUS": "kafka", "KEYSTORE": "dynamodb"}, {"BUS": "sns-sqs"}],
                         ids=lambda parts: "+".join(parts.values()))
def test_run__on_other_parts(run, var, parts):
    """The same story, and another one when it runs again."""
    for name in parts.values():  # before, as the caller: the run does not know of a proxy
        subprocess.run([ROOT / "tools" / name, "fetch"], check=True)
    names = ("KAFKA_PORT", "DYNAMODB_PORT", "SNS_SQS_PORT")
    env = parts | dict(zip(names, map(str, free_ports(len(names))), strict=True))
    it = run(TALLYSTICK_LOG_FORMAT="json", **env).wait_for("Ready after")
    wait_story(it)
    assert it.end() == 0
    assert "not read" not in it.text()
    assert processes_of(var) == {}
    again = run(TALLYSTICK_LOG_FORMAT="json", **env).wait_for("Ready after")
    assert ask(again).endswith("200")
    wait_story(again, "tx-67890")
    assert again.end(signal.SIGTERM) == 0
    assert processes_of(var) == {}


def test_run__clears_what_a_killed_run_has_left(run, var):
    """And an interrupted start leaves nothing."""
    subprocess.run([ROOT / "tools/dynamodb", "fetch"], check=True)
    env = {"KEYSTORE": "dynamodb", "DYNAMODB_PORT": str(free_ports(1)[0])}
    ports = free_ports(len(DOORS))
    killed = run(ports, **env).wait_for("Ready after")
    assert killed.end(signal.SIGKILL) == -signal.SIGKILL
    left = (var / "dynamodb/process").read_text()
    wait_until(lambda: not any(args[0].endswith("/tallystick") for args in
                               processes_of(var).values()), READY_S, what="the services end too")
    interrupted = run(ports, **env)
    wait_until(lambda: interrupted.process.poll() is not None or
               (var / "dynamodb/process").exists() and
               (var / "dynamodb/process").read_text() not in ("", left), READY_S, what="a start")
    assert interrupted.process.poll() is None, interrupted.text()
    assert interrupted.end() == 0
    assert "Ready" not in interrupted.text()
    assert processes_of(var) == {}


def test_run__port_in_use(run, var):
    ports = free_ports(len(DOORS))
    with socket.socket() as other:
        other.bind(("127.0.0.1", ports[2]))
        other.listen()
        it = run(ports)
        assert it.end(signal.SIGWINCH) == 1
    assert f"port {ports[2]}, which TALLYSTICK_LEDGER_PORT names, is taken" in it.text()
    assert re.search(r"make run TALLYSTICK_LEDGER_PORT=\d+", it.text())
    assert processes_of(var) == {}


def test_run__unknown_part(run, var):
    it = run(BUS="pigeons")
    assert it.end(signal.SIGWINCH) == 1
    assert "BUS=pigeons is not known; there are: make run BUS=postgres" in it.text()
    it = run(KEYSTORE="redis")
    assert it.end(signal.SIGWINCH) == 1
    assert "make run KEYSTORE=none, make run KEYSTORE=dynamodb" in it.text()
    assert processes_of(var) == {}


def test_run__port_of_a_part_in_use(run, var):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        it = run(BUS="kafka", KAFKA_PORT=port)
        assert it.end(signal.SIGWINCH) == 1
    assert f"port {port}, which KAFKA_PORT names, is taken" in it.text()
    assert re.search(r"choose other ports: make run BUS=kafka KAFKA_PORT=\d+", it.text())
    assert processes_of(var) == {}


def test_run__no_port_number(run):
    it = run([99999, *free_ports(len(DOORS) - 1)])
    assert it.end(signal.SIGWINCH) == 1
    assert "TALLYSTICK_GATEWAY_PORT=99999 is no port number" in it.text()


def test_run__twice_over_the_same_data(run):
    it = run().wait_for("Ready after")
    other = subprocess.run([ROOT / "tools/run", "--var", it.out.name.removesuffix("/out")],
                           capture_output=True, text=True)
    assert other.returncode == 1 and "under way already" in other.stdout
    assert it.end() == 0


def test_run__a_service_ends_by_itself(run, var):
    it = run().wait_for("Ready after")
    ledger, = (pid for pid, command in processes_of(var).items() if "ledger" in command)
    os.kill(ledger, signal.SIGKILL)
    it.wait_for("ledger ended with SIGKILL; its last lines:")
    assert it.process.wait(60) == 1
    assert processes_of(var) == {}


def test_run__a_second_signal_ends_at_once(run, var):
    it = run().wait_for("Ready after")
    it.process.send_signal(signal.SIGINT)
    it.process.send_signal(signal.SIGINT)
    assert it.process.wait(30) in (0, 1)
    assert processes_of(var) == {}


def test_run__files_of_the_run(run, var):
    """The secret is private; with `env` an operator's command finds the database."""
    it = run().wait_for("Ready after")
    assert (var / "service-secret").stat().st_mode & 0o777 == 0o600
    done = subprocess.run(["bash", "-c", f". {var}/env && {BINARY} migrate check"],
                          capture_output=True, text=True, env=clean_environment())
    assert done.returncode == 0, done.stderr
    assert it.end() == 0


def test_run__ctrl_c_on_a_terminal(var):
    """make itself ends with 0: the key reaches the run alone."""
    ports = dict(zip(DOORS, free_ports(len(DOORS)), strict=True))
    makefile = var / "Makefile"
    makefile.write_text(f"run:\n\t@{ROOT}/tools/run --var {var} --binary {BINARY}\n")
    make = ["make", "-f", str(makefile), *(f"TALLYSTICK_{d}_PORT={p}" for d, p in ports.items())]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe(make[0], make, clean_environment() | {"TERM": "xterm"})
    text = read_terminal(terminal, until=b"service.started")
    os.write(terminal, b"\x03")
    text += read_terminal(terminal, until=None)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, text.decode()
    assert b"\033[36mgateway" in text and b"***" not in text
    assert processes_of(var) == {}


def read_terminal(terminal, until):
    """What comes until these words, or the end."""
    text = b""
    while until is None or until not in text:
        assert select.select([terminal], [], [], READY_S)[0], text.decode()
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        text += piece
    return text
