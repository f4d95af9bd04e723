"""Runs the C programs of this folder, each over a migrated database of its own."""
import os
import pathlib
import subprocess

import pytest

from system.harness import BINARY, BROKEN

HERE = pathlib.Path(__file__).parent
PROGRAMS = sorted(path.stem.removeprefix("test_") for path in HERE.glob("test_*.c"))


@pytest.mark.parametrize("program", PROGRAMS)
def test_program(program, cluster, make_database):
    path = BINARY.parents[1] / "tests/store" / f"test_store_{program}"
    assert path.exists(), f"{path} is not built; see tests/README.md"
    environment = os.environ | {"TALLYSTICK_TEST_DATABASE_URL": cluster.url(make_database())}
    done = subprocess.run([path], env=environment, timeout=300, capture_output=True, text=True)
    output = done.stdout + done.stderr
    assert done.returncode == 0 and not BROKEN.search(output.encode()), output
