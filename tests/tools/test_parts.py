"""tools/kafka, dynamodb, sns-sqs and toxiproxy from outside: started on a port of ours, found
again, killed and started again with their data, and what they say when something is missing."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

import confluent_kafka.admin
import pytest

from system.harness import free_ports

TOOLS = pathlib.Path(__file__).parents[2] / "tools"
PARTS = ("kafka", "dynamodb", "sns-sqs", "toxiproxy")
LISTENING = "0A"  # in /proc/net/tcp


def part(name, verb, *args, check=True, **environment):
    done = subprocess.run([TOOLS / name, verb, *args], capture_output=True, text=True,
                          env=os.environ | environment)
    assert not check or done.returncode == 0, done.stderr
    return done


def process_of(name, directory):
    return int((directory / name / "process").read_text())


def is_alive(process):
    try:
        return os.readlink(f"/proc/{process}/exe") != ""
    except OSError:
        return False


def addresses(port):
    """Where something listens at that port, as the kernel has it: hexadecimal, last byte first."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in pathlib.Path(table).read_text().splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            address, number = local.split(":")
            if state == LISTENING and int(number, 16) == port:
                found.add(address.removeprefix("0000000000000000FFFF0000"))
    return found


def aws(endpoint, service, target, body):
    done = subprocess.run(
        ["curl", "-sS", "--aws-sigv4", f"aws:amz:us-east-1:{service}", "--user", "local:local",
         "-H", "Content-Type: application/x-amz-json-1.0", "-H", f"X-Amz-Target: {target}",
         "-d", json.dumps(body), endpoint], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def kafka_admin(endpoint):
    return confluent_kafka.admin.AdminClient({"bootstrap.servers": endpoint})


TABLE = {"TableName": "kept", "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
         "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
         "BillingMode": "PAY_PER_REQUEST"}


def write(name, endpoint):
    if name == "kafka":
        admin = kafka_admin(endpoint)
        admin.create_topics([confluent_kafka.admin.NewTopic("kept", 3)])["kept"].result(30)
    elif name == "dynamodb":
        aws(endpoint, "dynamodb", "DynamoDB_20120810.CreateTable", TABLE)


def read(name, endpoint):
    if name == "kafka":
        return list(kafka_admin(endpoint).list_topics(timeout=30).topics)
    if name == "dynamodb":
        return aws(endpoint, "dynamodb", "DynamoDB_20120810.ListTables", {})["TableNames"]
    return ["kept"]  # the others keep nothing


@pytest.mark.parametrize("name", PARTS)
def test_part__lives_and_dies(name, tmp_path):
    port, = free_ports(1)
    setting = f"port={port}"
    assert part(name, "status", tmp_path, check=False).stdout == "stopped\n"
    part(name, "start", tmp_path, setting)
    try:
        endpoint = part(name, "endpoint", tmp_path).stdout.strip()
        assert endpoint.removeprefix("http://") == f"127.0.0.1:{port}"
        assert addresses(port) == {"0100007F"}  # nothing but 127.0.0.1
        process = process_of(name, tmp_path)
        assert f"process {process} at {endpoint}" in part(name, "status", tmp_path).stdout
        part(name, "start", tmp_path, setting)  # one that runs is left as it is
        assert process_of(name, tmp_path) == process
        write(name, endpoint)
        os.kill(process, signal.SIGKILL)
        part(name, "start", tmp_path, setting)
        assert read(name, endpoint) == ["kept"]
        again = process_of(name, tmp_path)
        part(name, "stop", tmp_path)
        assert again != process and not is_alive(again)
        assert part(name, "status", tmp_path, check=False).returncode == 1
    finally:
        part(name, "destroy", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_start__two_at_once(tmp_path):
    """Both come back when it runs, and it runs once."""
    setting = f"port={free_ports(1)[0]}"
    starts = [subprocess.Popen([TOOLS / "toxiproxy", "start", tmp_path, setting])
              for _ in range(2)]
    try:
        assert [start.wait(60) for start in starts] == [0, 0]
        other = part("toxiproxy", "start", tmp_path, "port=1", check=False)
        assert other.returncode == 1 and "it runs already" in other.stderr
    finally:
        part("toxiproxy", "destroy", tmp_path)


def test_start__dynamodb_in_memory(tmp_path):
    part("dynamodb", "start", tmp_path, f"port={free_ports(1)[0]}", "storage=memory")
    try:
        write("dynamodb", part("dynamodb", "endpoint", tmp_path).stdout.strip())
        assert not (tmp_path / "dynamodb/data").exists()
        answers = (tmp_path / "dynamodb/warm-up").read_text()
        assert "Responses" in answers and "Exception" not in answers
    finally:
        part("dynamodb", "destroy", tmp_path)


@pytest.mark.parametrize("name", PARTS)
def test_start__port_in_use(name, tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        variable = name.upper().replace("-", "_") + "_PORT"
        done = part(name, "start", tmp_path, check=False, **{variable: port})
    assert done.returncode == 1
    assert re.search(rf"port {port} is taken.*choose another: port=NUMBER", done.stderr)
    part(name, "destroy", tmp_path)


@pytest.mark.parametrize("setting,said", [
    ("port=http", "port=http is no port number"), ("port=0", "is no port number"),
    ("storage=stone", "neither disk nor memory"), ("colour=red", "there is no setting colour"),
])
def test_start__bad_setting(tmp_path, setting, said):
    done = part("dynamodb", "start", tmp_path, setting, check=False, DYNAMODB_PORT="65535")
    assert done.returncode == 1 and said in done.stderr


@pytest.mark.parametrize("args", [[], ["dance"], ["start"], ["main", "x"]])
def test_usage(args):
    done = subprocess.run([TOOLS / "kafka", *args], capture_output=True, text=True)
    assert done.returncode == 2 and "tools/kafka start" in done.stderr


# ---- downloads, with a stand-in for Maven --------------------------------------------------------

MVN = """#!/bin/bash
# Puts two files where it is told to, slowly; fails in between when asked to.
for arg in "$@"; do [[ $arg != -DoutputDirectory=* ]] || out=${arg#*=}; done
echo called >> "$CALLS"
echo 1 > "$out/first.jar"
sleep 0.3
[ -z "${BREAK:-}" ] || { echo "no route to host"; exit 1; }
echo 2 > "$out/second.jar"
"""


@pytest.fixture
def maven(tmp_path):
    """The environment of a machine whose mvn is the one above."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/mvn").write_text(MVN)
    (tmp_path / "bin/mvn").chmod(0o755)
    return {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "CALLS": str(tmp_path / "calls"),
            "TALLYSTICK_DOWNLOADS": str(tmp_path / "downloads")}


def fetched(maven):
    return sorted(path.name for path in pathlib.Path(maven["TALLYSTICK_DOWNLOADS"]).glob("*/*.jar"))


def test_fetch__broken_leaves_nothing(maven):
    done = part("kafka", "fetch", check=False, BREAK="yes", **maven)
    assert done.returncode == 1
    assert "no route to host" in done.stderr and "the download failed" in done.stderr
    assert fetched(maven) == []
    part("kafka", "fetch", **maven)
    assert fetched(maven) == ["first.jar", "second.jar"]


def test_fetch__two_at_once(maven):
    fetches = [subprocess.Popen([TOOLS / "kafka", "fetch"], env=os.environ | maven)
               for _ in range(2)]
    assert [fetch.wait(60) for fetch in fetches] == [0, 0]
    assert fetched(maven) == ["first.jar", "second.jar"]
    assert pathlib.Path(maven["CALLS"]).read_text() == "called\n"


def test_fetch__killed_is_begun_again(maven):
    fetch = subprocess.Popen([TOOLS / "kafka", "fetch"], env=os.environ | maven,
                             start_new_session=True)
    while not fetched(maven):
        time.sleep(0.01)
    os.killpg(fetch.pid, signal.SIGKILL)
    fetch.wait()
    part("kafka", "fetch", **maven)
    assert fetched(maven) == ["first.jar", "second.jar"]


def test_fetch__a_tool_is_missing(tmp_path):
    (tmp_path / "bin").mkdir()
    for name in ("bash", "dirname", "basename", "realpath", "mkdir", "rm", "flock", "mv"):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name))
    done = part("kafka", "fetch", check=False, PATH=str(tmp_path / "bin"),
                TALLYSTICK_DOWNLOADS=str(tmp_path / "downloads"))
    assert done.returncode == 1
    assert "mvn is not installed; tools/setup kafka installs it" in done.stderr
