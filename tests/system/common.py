"""What harness, buses and parts share."""
import contextlib
import itertools
import os
import pathlib
import random
import socket
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


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
    """Ports that nobody holds, below the range that the kernel gives to outgoing connections. Each
    of several test processes has a share of them, so that none takes what another just found."""
    kernels = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    lowest, highest = int(kernels[0]) // 2, int(kernels[0])
    share = (highest - lowest) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    lowest += share * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    candidates = random.sample(range(lowest, lowest + share), 200 + count)
    return list(itertools.islice(filter(is_free_port, candidates), count))


def is_free_port(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return True
    return False
