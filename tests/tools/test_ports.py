"""Test processes beside each other, of one run or of several, never get at each other's ports."""
import collections
import contextlib
import subprocess
import sys

from system.common import PORTS_SHARE, ROOT, free_ports

ASK = """
import sys
from system.common import free_ports
print(*free_ports(400), flush=True)
sys.stdin.read()  # holds them until it is told to end
"""
PROCESSES = 6


@contextlib.contextmanager
def asking():
    """A process that has ports, whether it uses them now or not."""
    process = subprocess.Popen([sys.executable, "-c", ASK], cwd=ROOT / "tests", text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield [int(port) for port in process.stdout.readline().split()]
    finally:
        process.communicate()


def test_free_ports__of_processes_beside_each_other():
    with contextlib.ExitStack() as stack:
        taken = [stack.enter_context(asking()) for _ in range(PROCESSES)]
        counts = collections.Counter(port for ports in taken for port in ports)
        assert len(counts) == PROCESSES * 400 and set(counts.values()) == {1}
        assert not counts.keys() & set(free_ports(PORTS_SHARE // 2))


def test_free_ports__do_not_come_again_soon():
    """A port that was given out stays its owner's while what listened there is down."""
    ports = [port for _ in range(40) for port in free_ports(10)]
    assert len(set(ports)) == len(ports)
