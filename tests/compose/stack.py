"""The whole system in containers, started by one of the two literal commands, as tests see it."""
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import threading
import time
import uuid

import requests
from system.common import ROOT, free_ports, wait_until

SERVICES = ("gateway", "authorization", "ledger", "outbox", "saga")
PARTS = ("postgres", "kafka", "dynamodb", "sns-sqs")
START_TIMEOUT_S = 900  # the image may have to be built, on a busy machine
FAULT_TIMEOUT_S = 120
STOP_TIMEOUT_S = 30    # what issue and guide promise of a stop


def first_request():
    """The curl of the README, as it stands there."""
    found = re.search(r"curl -X POST .*?'\n", (ROOT / "README.md").read_text(), re.S)
    return found[0]


class Stack:
    def __init__(self, command):
        self.command = command
        self.project = f"tallystick-test-{os.getpid()}"
        self.port, self.traces_port = free_ports(2)
        self.env = os.environ | {
            "COMPOSE_PROJECT_NAME": self.project,
            "TALLYSTICK_GATEWAY_PORT": str(self.port),
            "JAEGER_PORT": str(self.traces_port),
        }
        self.log = pathlib.Path(tempfile.mkstemp(prefix="tallystick-compose-")[1])
        self.process = None

    # ---- the commands ----------------------------------------------------------------------------

    def docker(self, *words):
        done = subprocess.run(["docker", *words], env=self.env, capture_output=True, text=True,
                              timeout=300, check=True)
        return done.stdout.strip()

    def compose(self, *words, check=True):
        done = subprocess.run([*self.command.split(), *words], cwd=ROOT, env=self.env, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=START_TIMEOUT_S)
        assert done.returncode == 0 or not check, f"{words}: {done.stdout}{done.stderr}"
        return done

    def tallystick(self, *words):
        return self.compose("run", "--rm", "--no-deps", "operator", *words, check=False)

    def up(self):
        """As somebody types it, in the foreground; seconds until the first request is approved."""
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(f"{self.command} up --build", shell=True, cwd=ROOT,
                                            env=self.env, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT, start_new_session=True)
        started = time.monotonic()
        wait_until(self.is_open, START_TIMEOUT_S, 0.5, "an approved request")
        return time.monotonic() - started

    def is_open(self):
        assert self.process.poll() is None, f"it has ended: {self.tail()}"
        try:
            return self.authorize(f"first-{uuid.uuid4()}").status_code == 201
        except requests.ConnectionError:
            return False

    def interrupt(self):
        """Ctrl-C; seconds until nothing runs any more."""
        started = time.monotonic()
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(timeout=STOP_TIMEOUT_S * 3)
        self.compose("stop")  # what another command has added since
        return time.monotonic() - started

    def close(self):
        if self.process and self.process.poll() is None:
            self.interrupt()
        self.compose("down", "--volumes", "--remove-orphans")
        self.log.unlink()

    def tail(self):
        return self.log.read_text(errors="replace")[-4000:]

    # ---- containers ------------------------------------------------------------------------------

    def containers(self, service, running=True):
        every = [] if running else ["--all"]
        return self.docker("ps", "-q", *every,
                           "--filter", f"label=com.docker.compose.project={self.project}",
                           "--filter", f"label=com.docker.compose.service={service}").split()

    def inspect(self, container, template):
        return self.docker("inspect", "--format", template, container)

    def logs(self, service):
        """The JSON lines of all instances of a service."""
        lines = []
        for container in self.containers(service, running=False):
            done = subprocess.run(["docker", "logs", container], env=self.env, text=True,
                                  capture_output=True, check=True, timeout=60)
            lines += [json.loads(line) for line in (done.stdout + done.stderr).splitlines()
                      if line.startswith("{")]
        return lines

    def is_healthy(self, service):
        found = self.containers(service)
        return found and all(self.inspect(each, "{{.State.Health.Status}}") == "healthy"
                             for each in found)

    def crash(self, service):
        """The first process of one container is killed from outside, as by a lack of memory. The
        restart policy has to bring it back."""
        container = self.containers(service)[0]
        before = self.inspect(container, "{{.State.StartedAt}}")
        os.kill(int(self.inspect(container, "{{.State.Pid}}")), signal.SIGKILL)
        wait_until(lambda: self.inspect(container, "{{.State.StartedAt}}") != before
                   and self.is_healthy(service), FAULT_TIMEOUT_S, 0.3, f"{service} is back")

    # ---- as a client, and as an operator ---------------------------------------------------------

    def authorize(self, transaction, key=None, user="user-compose", timeout=20):
        return requests.post(
            f"http://127.0.0.1:{self.port}/authorize", timeout=timeout,
            headers={"Idempotency-Key": key or str(uuid.uuid4())},
            json={"transaction_id": transaction, "user_id": user, "amount": 0.01})

    def curl(self):
        """The README's request through the published port: its JSON."""
        command = first_request().replace("localhost:8080", f"localhost:{self.port}")
        done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60,
                              check=True)
        return json.loads(done.stdout)

    def python(self, program):
        """A program beside moto, which brings boto3 and the stand-ins' credentials."""
        return self.compose("exec", "-T", "sns-sqs", "python3", "-c", program).stdout.strip()

    def trace(self, trace_id):
        """Spans of a trace by service, as the viewer has it."""
        door = http.client.HTTPConnection("127.0.0.1", self.traces_port, timeout=10)
        door.request("GET", f"/api/traces/{trace_id}")
        found = json.loads(door.getresponse().read())["data"] or []
        return [(one["processes"][span["processID"]]["serviceName"], span["operationName"])
                for one in found for span in one["spans"]]

    def verify(self):
        """Every promise holds, and nothing is on its way any more: where Kafka has the events, an
        approval that nobody has read yet looks like one that nobody books, so it is asked again."""
        said = []

        def holds():
            done = self.tallystick("verify", "--unseen-s", "0")
            said[:] = [done.stdout + done.stderr]
            return done.returncode == 0 and "sagas on their way: 0" in done.stdout

        try:
            wait_until(holds, FAULT_TIMEOUT_S, 1)
        except AssertionError:
            raise AssertionError(said[0]) from None


class Load:
    """A few requests a second, all the time; each is asked again until it was decided."""

    PAUSE_S = 0.2
    USERS = 10

    def __init__(self, stack):
        self.stack = stack
        self.asked = []  # (transaction, key, user)
        self.decided = set()
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()

    def _run(self):
        while not self.stopping.wait(self.PAUSE_S):
            number = len(self.asked)
            one = (f"load-{uuid.uuid4()}", str(uuid.uuid4()), f"user-{number % self.USERS}")
            self.asked.append(one)
            self._ask(one)

    def _ask(self, one):
        transaction, key, user = one
        try:
            if self.stack.authorize(transaction, key, user).status_code in (200, 201):
                self.decided.add(one)
        except requests.RequestException:
            pass  # nobody knows; it is asked again
        return one in self.decided

    def ask_again(self):
        """How many had no answer at first; every one of them gets one now."""
        open_ones = [one for one in self.asked if one not in self.decided]
        for one in open_ones:
            wait_until(lambda one=one: self._ask(one), FAULT_TIMEOUT_S, 0.2, f"{one} is decided")
        return len(open_ones)
