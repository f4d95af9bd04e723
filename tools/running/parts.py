"""The parts that a run may stand on beside PostgreSQL, chosen as in `make run BUS=kafka`."""
import dataclasses
import os
import pathlib
import subprocess
import time

from running.processes import Script
from running.queues import count_unread
from running.settings import ROOT, choose_port, shown
from running.terminal import Failure, say


@dataclasses.dataclass(frozen=True)
class Part:
    name: str  # of its script in tools/, its package group and its directory below var/
    title: str
    port_name: str  # make run KAFKA_PORT=19092
    port_default: int
    addresses: tuple  # the variables by which the services are told where it is


KAFKA = Part("kafka", "the event bus is Apache Kafka", "KAFKA_PORT", 9092, ("KAFKA_BROKERS",))
SNS_SQS = Part("sns-sqs", "the event bus is SNS and SQS (moto, which keeps messages in memory)",
               "SNS_SQS_PORT", 5000, ("AWS_ENDPOINT_URL_SNS", "AWS_ENDPOINT_URL_SQS"))
DYNAMODB = Part("dynamodb", "idempotency keys are in DynamoDB Local", "DYNAMODB_PORT", 8000,
                ("AWS_ENDPOINT_URL_DYNAMODB",))

CHOICES = {
    "BUS": {"postgres": None, "kafka": KAFKA, "sns-sqs": SNS_SQS},
    "KEYSTORE": {"none": None, "dynamodb": DYNAMODB},
}

DRAIN_TIMEOUT_S = 5

# The stand-ins accept any credentials, but requests to them are signed as to AWS.
STAND_IN_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
STAND_IN_REGION = {"AWS_REGION": "us-east-1"}


class Parts:
    """Those that one run has chosen."""

    def __init__(self, var):
        self.var = var
        self.kinds = {name: choose(name) for name in CHOICES}
        chosen = (CHOICES[name][kind] for name, kind in self.kinds.items())
        self.parts = [part for part in chosen if part is not None]
        self.ports = {part.port_name: choose_port(part.port_name, part.port_default)
                      for part in self.parts}
        self.words = [f"{name}={os.environ[name]}" for name in CHOICES if os.environ.get(name)]
        self.starts = []
        self.ended = set()

    def clear(self):
        """Stops what a run that was killed has left, whatever that run had chosen."""
        for part in (KAFKA, SNS_SQS, DYNAMODB):
            if is_running(self.var, part):
                Script(part.name, "stop", self.var).finish()

    def install(self, pause):
        """Packages and programs, where they are missing. sudo may have to ask for a password, so
        the terminal stays with it."""
        if self.parts:
            setup = [ROOT / "tools/setup", *(part.name for part in self.parts)]
            if subprocess.run(setup).returncode != 0:
                pause(0)
                raise Failure("tools/setup failed")
        for part in self.parts:
            Script(part.name, "fetch").finish(pause)

    def start(self):
        """Does not wait: PostgreSQL can start meanwhile."""
        self.starts = [Script(part.name, "start", self.var, f"port={self.ports[part.port_name]}")
                       for part in self.parts]

    def wait_started(self, pause):
        for part, start in zip(self.parts, self.starts):
            start.finish(pause)
            say(f"{part.title}, at {self.endpoint(part)}; its log is "
                f"{shown(self.var / part.name / 'log')}")

    def endpoint(self, part):
        return Script(part.name, "endpoint", self.var).finish()

    def settings(self):
        """What tells the services to use them."""
        values = {"TALLYSTICK_BUS": self.kinds["BUS"]}
        if self.kinds["KEYSTORE"] != "none":
            values["TALLYSTICK_KEYSTORE"] = self.kinds["KEYSTORE"]
        for part in self.parts:
            values |= dict.fromkeys(part.addresses, self.endpoint(part))
        if any(name.startswith("AWS_") for name in values):
            if "AWS_ACCESS_KEY_ID" not in os.environ:
                values |= STAND_IN_CREDENTIALS
            if "AWS_REGION" not in os.environ and "AWS_DEFAULT_REGION" not in os.environ:
                values |= STAND_IN_REGION
        return values

    def check(self):
        """The services live on without a part, so the run does; but it says what is missing."""
        for part in self.parts:
            running = is_running(self.var, part)
            if not running and part not in self.ended:
                say(f"{part.name} has ended; this starts it again: tools/{part.name} start "
                    f"{shown(self.var)} port={self.ports[part.port_name]}")
            (self.ended.discard if running else self.ended.add)(part)

    def forget_messages(self):
        """True of a bus whose messages end with it."""
        return SNS_SQS in self.parts

    def drain(self, may_wait):
        """Waits until the services have read what the bus would forget; how much is left."""
        deadline = time.monotonic() + DRAIN_TIMEOUT_S
        endpoint = self.endpoint(SNS_SQS)
        try:
            while unread := count_unread(endpoint):
                if not may_wait() or time.monotonic() > deadline:
                    return unread
                time.sleep(0.1)
        except OSError:
            pass  # it has ended before
        return 0

    def stop(self):
        """True when all are stopped."""
        clean = True
        for start in self.starts:
            start.end()
        for stop in [Script(part.name, "stop", self.var) for part in self.parts]:
            try:
                stop.finish()
            except Failure as failure:
                say(failure)
                clean = False
        return clean


def choose(name):
    """BUS or KEYSTORE as the environment says; the default is the first of its choices."""
    kinds = list(CHOICES[name])
    kind = os.environ.get(name) or kinds[0]
    if kind not in kinds:
        raise Failure(f"{name}={kind} is not known; there are: " +
                      ", ".join(f"make run {name}={other}" for other in kinds))
    return kind


def is_running(var, part):
    """As tools/parts.sh knows it: the process of that id works in the part's directory."""
    home = pathlib.Path(var) / part.name
    try:
        process = int((home / "process").read_text())
        return os.path.samefile(f"/proc/{process}/cwd", home)
    except (OSError, ValueError):
        return False
