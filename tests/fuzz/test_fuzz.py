"""Each fuzz target over its corpus and some seconds more; and each oracle finds each lie told to
it. `make fuzz` runs longer."""
import re

import pytest

from fuzz import door, targets

SECONDS = 2
RUN = [f"-max_total_time={SECONDS}", "-max_len=2048"]


def lies_of(target):
    """The numbers of the lies that broken/<target>.c can tell."""
    told = (targets.HERE / f"broken/{target}.c").read_text()
    return sorted({int(number) for number in re.findall(r"fuzz_lie\(\) [!=]= (\d+)", told)})


def lie(environment, number):
    return (environment or {}) | {"FUZZ_LIE": str(number)}


PURE = [target for target in targets.TARGETS if target != "door"]


@pytest.fixture(scope="module")
def behind(cluster):
    with door.behind(cluster) as environment:
        yield environment


def check_unbroken(outcome):
    assert outcome.code == 0, outcome.said[-6000:]
    assert outcome.executions > 0 and outcome.covered > 0


@pytest.mark.parametrize("target", PURE)
def test_target(target, tmp_path):
    check_unbroken(targets.run(target, tmp_path, *RUN))


def test_the_whole_request_path(behind, tmp_path):
    check_unbroken(targets.run("door", tmp_path, *RUN, environment=behind))


@pytest.mark.parametrize("target, number",
                         [(target, number) for target in PURE for number in lies_of(target)])
def test_oracle_finds_the_lie(target, number, tmp_path):
    outcome = targets.run(target, tmp_path, "-runs=0", kind="broken", environment=lie(None, number))
    assert "oracle failed" in outcome.said, f"lie {number} was believed:\n{outcome.said[-3000:]}"


@pytest.mark.parametrize("number", lies_of("door"))
def test_oracle_of_the_whole_path_finds_the_lie(behind, number, tmp_path):
    outcome = targets.run("door", tmp_path, "-runs=0", kind="broken",
                          environment=lie(behind, number))
    assert "oracle failed" in outcome.said, f"lie {number} was believed:\n{outcome.said[-3000:]}"


def test_every_target_is_known():
    built = re.findall(r"^  '(\w+)': \[", (targets.HERE / "meson.build").read_text(), re.M)
    assert sorted(built) == sorted(targets.TARGETS)
    assert [target for target in targets.TARGETS if not lies_of(target)] == []


@pytest.mark.parametrize("data", [b"", b"a b", b"#", b" #a ", b"\\x41\\", bytes(range(256)), b"\n"])
def test_a_line_of_a_corpus_is_read_as_it_was_written(data):
    line = targets.write_line(data)
    assert line.isascii() and line.isprintable() and not line.startswith("#")
    assert line.strip() == line
    assert targets.read_line(line) == data


@pytest.mark.parametrize("target", targets.TARGETS)
def test_a_corpus_is_as_it_would_be_written(target):
    """So that no two lines of it are one input, and what is shown is what is run."""
    inputs = targets.read_corpus(target)
    assert len(set(inputs)) == len(inputs)
    for data in inputs:
        assert targets.read_line(targets.write_line(data)) == data
