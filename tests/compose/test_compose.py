"""docker-compose up --build and docker compose up --build, as they stand: what a user sees first,
faults of each container under load, more than one of a service, the stop, and what is left."""
import json
import os
import subprocess
import time
import uuid

import pytest
from system.common import ROOT, wait_until

from compose.conftest import SECOND
from compose.stack import PARTS, SERVICES, STOP_TIMEOUT_S, Load

IMAGE_SIZE_MAX = 40 * 1000 * 1000
IDLE_MEMORY_MAX_MIB = 32

STORY = {
    "gateway": "request.received",
    "authorization": "authorization.approved",
    "outbox": "event.published",
    "saga": "saga.completed",
    "ledger": "ledger.hold_recorded",
}

second_only = pytest.mark.parametrize("stack", [SECOND], indirect=True)


@pytest.fixture(scope="module")
def approved(stack):
    """The README's request, approved; asked once, after a queue was made that hears of it."""
    stack.python("""
import boto3
sns, sqs = (boto3.client(name, endpoint_url="http://127.0.0.1:5000", region_name="us-east-1")
            for name in ("sns", "sqs"))
url = sqs.create_queue(QueueName="listener")["QueueUrl"]
arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
sns.subscribe(TopicArn="arn:aws:sns:us-east-1:123456789012:tallystick-notifications",
              Protocol="sqs", Endpoint=arn)
""")
    answer = stack.curl()
    assert answer["status"] == "approved", answer
    stack.verify()
    return answer


# ---- what a user sees first ----------------------------------------------------------------------

def test_story_in_five_logs(stack, approved):
    for service, event in STORY.items():
        found = wait_until(lambda: [line for line in stack.logs(service)
                                    if line.get("trace_id") == approved["trace_id"]
                                    and line["event"] == event], 20, 0.5, f"{event} of {service}")
        assert all(line["svc"] == service for line in found)


def test_story_in_the_viewer_of_traces(stack, approved):
    """One trace holds spans of all five."""
    wanted = {f"tallystick-{service}" for service in SERVICES}
    wait_until(lambda: wanted <= {service for service, _ in stack.trace(approved["trace_id"])},
               30, 0.5, "spans of all five services")


def test_event_in_kafka(stack, approved):
    read = stack.compose(
        "exec", "-T", "kafka", "/opt/kafka/bin/kafka-console-consumer.sh", "--bootstrap-server",
        "kafka:9092", "--topic", "tallystick.authorization.v1", "--from-beginning", "--timeout-ms",
        "8000", check=False).stdout
    ids = [json.loads(line)["authorization"]["id"] for line in read.splitlines()
           if line.startswith("{")]
    assert approved["id"] in ids


def test_key_in_dynamodb(stack, approved):
    items = stack.python("""
import boto3, json
table = boto3.resource("dynamodb", endpoint_url="http://dynamodb:8000", region_name="us-east-1")
print(json.dumps(table.Table("tallystick_idempotency").scan()["Items"], default=str))
""")
    assert approved["id"] in items


def test_notification_in_sqs(stack, approved):
    program = """
import boto3
sqs = boto3.client("sqs", endpoint_url="http://127.0.0.1:5000", region_name="us-east-1")
url = sqs.get_queue_url(QueueName="listener")["QueueUrl"]
for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
    print(message["Body"])
"""
    heard = []
    wait_until(lambda: heard.append(stack.python(program)) or approved["id"] in "".join(heard), 30,
               0.5, "a notification")


def test_everybody_is_healthy(stack):
    for service in (*SERVICES, *PARTS, "jaeger"):
        wait_until(lambda service=service: stack.is_healthy(service), 60, 0.5, f"{service} healthy")


def test_only_the_door_and_the_viewer_are_published_on_loopback(stack):
    published = set()
    for service in (*SERVICES, *PARTS, "jaeger"):
        ports = json.loads(stack.inspect(stack.containers(service)[0],
                                         "{{json .NetworkSettings.Ports}}"))
        published |= {(service, bound["HostIp"], bound["HostPort"])
                      for port in ports.values() if port for bound in port}
    assert published == {("gateway", "127.0.0.1", str(stack.port)),
                         ("jaeger", "127.0.0.1", str(stack.traces_port))}


# ---- the image -----------------------------------------------------------------------------------

@second_only
def test_image(stack, note):
    about = json.loads(stack.docker("image", "inspect", "tallystick:local"))[0]
    note(f"image: {about['Size'] / 1e6:.1f} MB")
    assert about["Size"] < IMAGE_SIZE_MAX
    config = about["Config"]
    assert config["User"] == "10001:10001" and config["StopSignal"] == "SIGTERM"
    assert config["Healthcheck"]["Test"] == ["CMD", "/usr/bin/tallystick", "health"]
    assert config["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"
    told = stack.docker("run", "--rm", "--read-only", "--user", "4711", "tallystick:local",
                        "version")
    assert told == f"tallystick {(ROOT / 'VERSION').read_text().strip()}"
    shell = subprocess.run(["docker", "run", "--rm", "--entrypoint", "sh", "tallystick:local"],
                           env=stack.env, capture_output=True, text=True, timeout=60)
    assert shell.returncode == 127 and "not found" in shell.stderr


@second_only
def test_services_may_do_nothing_but_their_work(stack):
    """No root, no capability, nothing to write to, a user each, a secret for nobody else."""
    users = set()
    for service in SERVICES:
        pid = stack.inspect(stack.containers(service)[0], "{{.State.Pid}}")
        status = dict(line.split(":\t", 1) for line in
                      open(f"/proc/{pid}/status").read().splitlines() if ":\t" in line)
        users.add(status["Uid"].split()[0])
        assert int(status["CapEff"], 16) == 0 and status["NoNewPrivs"] == "1"
        root = next(line for line in open(f"/proc/{pid}/mounts") if line.split()[1] == "/")
        assert "ro" in root.split()[3].split(",")
    assert len(users) == len(SERVICES) and "0" not in users
    tried = stack.tallystick("key", "ls", "--database-url",
                             "postgresql://postgres/tallystick?user=tallystick_gateway"
                             "&passfile=/run/secrets/gateway/pgpass")
    assert tried.returncode != 0


@second_only
def test_idle_memory(stack, note):
    told = stack.docker("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}")
    for line in sorted(told.splitlines()):
        name, used = line.split()[:2]
        service = name.removeprefix(f"{stack.project}-").rpartition("-")[0]
        note(f"idle memory: {service} {used}")
        if service in SERVICES:
            assert used.endswith("MiB") and float(used[:-3]) < IDLE_MEMORY_MAX_MIB


# ---- faults, under load --------------------------------------------------------------------------

@second_only
@pytest.mark.parametrize("service", [*PARTS, *SERVICES])
@pytest.mark.timeout(600)
def test_crash(stack, note, service):
    """One container dies under load and comes back by itself: every request gets its one decision,
    all is booked, and the books are right."""
    with Load(stack) as load:
        wait_until(lambda: len(load.decided) >= 5, 30)
        started = time.monotonic()
        stack.crash(service)
        back_s = time.monotonic() - started
        wait_until(lambda: stack.authorize(f"after-{uuid.uuid4()}").status_code == 201, 60, 0.2)
        wait_until(lambda: len(load.asked) >= 30, 60)
    late = load.ask_again()
    stack.verify()
    note(f"{service} killed: healthy again after {back_s:.1f} s; "
         f"{late} of {len(load.asked)} requests were asked again")


# ---- more than one of a service ------------------------------------------------------------------

@second_only
@pytest.mark.timeout(600)
def test_two_of_each(stack):
    """Both instances of a service work, and one may die."""
    scales = [word for service in ("authorization", "ledger", "saga")
              for word in ("--scale", f"{service}=2")]
    stack.compose("up", "--detach", *scales)
    for service in ("authorization", "ledger", "saga"):
        wait_until(lambda service=service: len(stack.containers(service)) == 2
                   and stack.is_healthy(service), 60, 0.5, f"two of {service}")
    events = {"authorization": "authorization.approved", "ledger": "ledger.hold_recorded",
              "saga": "saga.completed"}
    with Load(stack) as load:
        for service, event in events.items():
            wait_until(lambda s=service, e=event: both_work(stack, s, e), 120, 1,
                       f"both of {service} work")
        os.kill(int(stack.inspect(stack.containers("authorization")[1], "{{.State.Pid}}")), 9)
        enough = len(load.asked) + 15
        wait_until(lambda: len(load.asked) >= enough, 60)
    load.ask_again()
    stack.verify()


def both_work(stack, service, event):
    return all(f'"event":"{event}"' in
               subprocess.run(["docker", "logs", "--tail", "500", container], env=stack.env,
                              capture_output=True, text=True, timeout=60).stderr
               for container in stack.containers(service))


# ---- the end -------------------------------------------------------------------------------------

def test_stop_and_what_is_left(stack, note):
    """Ctrl-C ends all within 30 seconds, in order; `down --volumes` leaves nothing."""
    took_s = stack.interrupt()
    note(f"{stack.command}: Ctrl-C to the end {took_s:.1f} s")
    assert took_s < STOP_TIMEOUT_S
    for service in SERVICES:
        for container in stack.containers(service, running=False):
            assert stack.inspect(container, "{{.State.ExitCode}} {{.State.OOMKilled}}") == "0 false"
        assert stack.logs(service)[-1]["event"] == "service.stopped"
    stack.compose("down", "--volumes")
    mine = f"label=com.docker.compose.project={stack.project}"
    assert stack.docker("ps", "--all", "-q", "--filter", mine) == ""
    assert stack.docker("volume", "ls", "-q", "--filter", mine) == ""
    assert stack.docker("network", "ls", "-q", "--filter", mine) == ""
