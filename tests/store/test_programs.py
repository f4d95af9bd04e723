"""Runs the C programs of this folder, each over a migrated database of its own, and those that are
about an event bus over that bus."""
import os
import pathlib
import subprocess

import pytest

from system.aws import CREDENTIALS
from system.harness import BINARY, BROKEN, ROOT
from system.parts import Part

HERE = pathlib.Path(__file__).parent
ON_KAFKA = {"bus_kafka", "bus_kafka_faults", "bus_kafka_unread"}
PROGRAMS = sorted({path.stem.removeprefix("test_") for path in HERE.glob("test_*.c")} - ON_KAFKA)


def run(program, **environment):
    path = BINARY.parents[1] / "tests/store" / f"test_store_{program}"
    assert path.exists(), f"{path} is not built; see tests/README.md"
    done = subprocess.run([path], env=os.environ | environment, timeout=300, capture_output=True,
                          text=True)
    output = done.stdout + done.stderr
    assert done.returncode == 0 and not BROKEN.search(output.encode()), output


@pytest.mark.parametrize("program", PROGRAMS)
def test_program(program, cluster, make_database):
    run(program, TALLYSTICK_TEST_DATABASE_URL=cluster.url(make_database()))


@pytest.mark.parametrize("program", ["bus", "bus_kafka", "bus_kafka_unread"])
def test_program_on_kafka(program, kafka):
    run(program, TALLYSTICK_TEST_BUS="kafka", KAFKA_BROKERS=kafka.endpoint)


def test_program_on_sns_and_sqs(sns_sqs):
    run("bus", TALLYSTICK_TEST_BUS="sns-sqs", AWS_ENDPOINT_URL_SNS=sns_sqs.endpoint,
        AWS_ENDPOINT_URL_SQS=sns_sqs.endpoint, **CREDENTIALS)


@pytest.fixture
def own_kafka(tmp_path):
    """A broker that a test may kill."""
    part = Part("kafka", tmp_path).start()
    yield part
    part.destroy()


def test_program_with_faults_of_kafka(own_kafka):
    run("bus_kafka_faults", TALLYSTICK_TEST_BUS="kafka", KAFKA_BROKERS=own_kafka.endpoint,
        TALLYSTICK_TEST_KAFKA_PROCESS=str(own_kafka.folder / "kafka/process"),
        TALLYSTICK_TEST_KAFKA_START=f"{ROOT / 'tools/kafka'} start {own_kafka.folder}"
                                    f" port={own_kafka.port}")
