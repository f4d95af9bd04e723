"""The simulation plays the same seed the same way, and notices a rule that is broken.

The schedules themselves are run by Meson (suite `simulation`); `make test-mutations` tries every
mutation.
"""
import pathlib
import re
import subprocess
import sys

import pytest

from system.harness import BINARY

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import mutations  # noqa: E402 beside this file

BUILD = BINARY.parents[1]
SIMULATE = BUILD / "tests/simulation/simulate"


def run(*args, simulate=SIMULATE):
    return subprocess.run([simulate, *map(str, args)], capture_output=True, text=True, timeout=300)


def digest(done):
    assert done.returncode == 0, done.stderr
    return re.search(r"digest (\w+)$", done.stdout.strip())[1]


def test_a_seed_is_played_the_same_way():
    once, again = run(7), run(7)
    assert once.returncode == 0, once.stderr
    assert once.stdout == again.stdout
    assert "authorization.approved" in once.stdout


def test_a_schedule_does_not_depend_on_the_ones_before_it():
    in_a_row = run("--runs", 3, 11)
    folded = 0
    for seed in (11, 12, 13):
        own = re.search(r"-  +digest (\w+)$", run(seed).stdout, re.M)[1]
        folded = (folded * 31 + int(own, 16)) % 2 ** 64
    assert digest(in_a_row) == f"{folded:016x}"


def test_seeds_differ():
    assert len({digest(run("--runs", 1, seed)) for seed in range(20, 30)}) == 10


def test_things_go_wrong_and_are_told():
    """A simulation in which nothing happens would prove nothing."""
    told = run("--runs", 300, 1).stdout
    for what in ("commits", "requests", "sagas", "compensated", "expired", "faults", "kills",
                 "messages parked"):
        assert int(re.search(rf"(\d+) {what}", told)[1]) > 0, what


def test_usage():
    done = run()
    assert done.returncode == 2
    assert "usage: simulate" in done.stderr


@pytest.fixture(scope="module")
def builder(tmp_path_factory):
    return mutations.Builder(BUILD, tmp_path_factory.mktemp("mutations"))


@pytest.mark.parametrize("name", ("forget the hold", "decide before the lock",
                                  "skip the inbox check", "move the cursor before the effect"))
def test_a_broken_rule_is_noticed(builder, name):
    mutation, = [m for m in mutations.MUTATIONS if m.name == name]
    mutated = builder.make(mutation)
    found = run("--runs", 500, 1, simulate=mutated)
    assert found.returncode == mutations.BROKEN, found.stdout
    seed, what = re.match(r"seed (\d+): (.*)", found.stderr).groups()
    again = run(seed, simulate=mutated)
    assert again.returncode == mutations.BROKEN
    assert f"seed {seed}: {what}" in again.stderr
    assert run(seed).returncode == 0  # not the schedule's fault


def test_a_mutation_that_does_not_fit_the_sources_is_said(builder):
    lost = mutations.Mutation("lost", "domain/saga.c", "words that are not there", "")
    with pytest.raises(ValueError, match="does not have this once"):
        builder.make(lost)


def test_every_mutation_fits_the_sources(builder):
    for mutation in mutations.MUTATIONS:
        for broken in mutation.breaks:
            source = builder.source(broken)
            assert builder.text(broken, source, source.read_text())
