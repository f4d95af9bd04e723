"""What harness, buses and parts share."""
import contextlib
import functools
import itertools
import pathlib
import random
import socket
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PORTS_SHARE = 512  # as many as a process may have given out before one comes again

holders = []  # sockets by which this process has its share of ports


def wait_until(predicate, timeout=10, every=0.02, what=None):
    """The predicate's first true value; fails when there was none in `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what or predicate}")
        time.sleep(every)


def free_ports(count):
    """Ports that nobody holds, below the range that the kernel gives to outgoing connections. What
    is stopped for a moment finds its port again: no other test process takes from this share of
    them, and this one has a whole round to go before a port comes again."""
    return list(itertools.islice(filter(is_free_port, share_of_ports()), count))


@functools.cache
def share_of_ports():
    """The ports of this process, until it ends: whoever has bound a share's name has its ports.
    Such a name belongs to the machine, as ports do, and goes with the process that bound it."""
    kernels = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    lowest, highest = int(kernels[0]) // 2, int(kernels[0])
    firsts = list(range(lowest, highest - PORTS_SHARE + 1, PORTS_SHARE))
    for first in random.sample(firsts, len(firsts)):
        name = socket.socket(socket.AF_UNIX)
        with contextlib.suppress(OSError):
            name.bind(f"\0tallystick-ports-{first}")
            holders.append(name)
            return itertools.cycle(range(first, first + PORTS_SHARE))
        name.close()
    raise AssertionError(f"{len(firsts)} test processes have all ports of this machine")


def is_free_port(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return True
    return False
