"""Builds linearizability/, which decides whether a history could be, and asks it."""
import collections
import functools
import os
import pathlib
import subprocess
import tempfile

SOURCES = pathlib.Path(__file__).parent / "linearizability"
Verdict = collections.namedtuple("Verdict", "code text")
LINEARIZABLE, WRONG, USAGE, UNDECIDED = range(4)  # exit codes


@functools.cache
def folder():
    """Gone with this process."""
    return tempfile.TemporaryDirectory(prefix="linearizability-")


@functools.cache
def program():
    built = pathlib.Path(folder().name) / "linearizability"
    subprocess.run(["go", "build", "-o", built, "."], cwd=SOURCES, check=True,
                   env=os.environ | {"GOTOOLCHAIN": "local", "GOFLAGS": "", "CGO_ENABLED": "0"})
    return built


def judge(*paths, seconds=60):
    """What the checker says of histories; `seconds` is for each account."""
    done = subprocess.run([program(), "-seconds", str(seconds), *paths], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return Verdict(done.returncode, done.stdout)


def check(*paths):
    """The histories are linearizable, or this fails and says why not."""
    verdict = judge(*paths)
    assert verdict.code == LINEARIZABLE, verdict.text
    print(verdict.text, end="")
