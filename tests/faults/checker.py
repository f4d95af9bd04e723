"""Builds linearizability/, which decides whether a history could be, and asks it."""
import collections
import functools
import os
import pathlib
import shutil
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
    """The histories are linearizable, or this fails, says why not, and keeps them."""
    verdict = judge(*paths)
    if verdict.code != LINEARIZABLE:
        kept = pathlib.Path(tempfile.mkdtemp(prefix="tallystick-histories-", dir="/tmp"))
        for path in paths:
            shutil.copy(path, kept)
        raise AssertionError(f"{verdict.text}kept in {kept}")
    print(verdict.text, end="")
