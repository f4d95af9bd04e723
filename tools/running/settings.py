"""Where a run listens and what its services are told."""
import os
import pathlib
import re
import secrets
import shlex
import shutil
import socket
import subprocess
import urllib.parse

from running.terminal import Failure, say

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVICE_PORTS = {
    "GATEWAY": 8080, "AUTHORIZATION": 8081, "LEDGER": 8082, "SAGA": 8084,
    "GATEWAY_ADMIN": 9080, "AUTHORIZATION_ADMIN": 9081, "LEDGER_ADMIN": 9082,
    "OUTBOX_ADMIN": 9083, "SAGA_ADMIN": 9084,
}


def choose_service_ports():
    """Numbers by option name; each can be set as in `make run TALLYSTICK_LEDGER_PORT=1234`."""
    return {name: choose_port(name, default) for name, default in
            ((f"TALLYSTICK_{door}_PORT", port) for door, port in SERVICE_PORTS.items())}


def choose_port(name, default):
    number = os.environ.get(name, str(default))
    if not number.isdigit() or not 0 < int(number) < 65536:
        raise Failure(f"{name}={number} is no port number")
    return number


def check_ports(ports, words):
    """`words` are what the run was asked for, such as BUS=kafka, to be asked for again."""
    taken = {name: int(port) for name, port in ports.items() if not is_free(int(port))}
    for name, port in taken.items():
        say(f"port {port}, which {name} names, is taken{holder_of(port)}")
    if taken:
        others = [f"{name}={port % 50000 + 10000}" for name, port in taken.items()]
        raise Failure("nothing was started; choose other ports: make run " +
                      " ".join([*words, *others]))


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def holder_of(port):
    """' by nginx (process 123)', or nothing where that cannot be known."""
    if shutil.which("ss") is None:
        return ""
    told = subprocess.run(["ss", "-Hltnp", f"sport = :{port}"], capture_output=True, text=True)
    found = re.search(r'\("([^"]+)",pid=(\d+)', told.stdout)
    return f" by {found[1]} (process {found[2]})" if found else ""


def service_secret(path):
    """What the services show each other; made once."""
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32) + "\n")
    return str(path)


def common_settings(var, socket_dir, ports):
    """The TALLYSTICK_ variables of the services and of the operator's tools, whatever the parts."""
    host = urllib.parse.quote(socket_dir, safe="/")
    peers = {f"TALLYSTICK_{peer}_URL": f"http://127.0.0.1:{ports[f'TALLYSTICK_{peer}_PORT']}"
             for peer in ("AUTHORIZATION", "LEDGER", "SAGA")}
    return ports | peers | {
        "TALLYSTICK_PROFILE": os.environ.get("TALLYSTICK_PROFILE", "dev"),
        "TALLYSTICK_DATABASE_URL": f"postgresql:///tallystick?host={host}",
        "TALLYSTICK_MIGRATE_DATABASE_URL":
            f"postgresql:///tallystick?host={host}&user=tallystick_owner",
        "TALLYSTICK_SERVICE_SECRET_FILE": service_secret(var / "service-secret"),
    }


def clean_environment():
    """Ours, without what would lead the services elsewhere (another run's `var/env` may have been
    read into this shell) or is not theirs."""
    names = ("DATABASE_URL", "TALLYSTICK_BUS", "TALLYSTICK_KEYSTORE", "TALLYSTICK_DOWNLOADS")
    return {name: value for name, value in os.environ.items()
            if name not in names and not name.startswith("PG")}


def write_env(path, values):
    """A file for operators: `. var/env` and every command finds this run."""
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in values.items()]
    path.write_text("# Written by tools/run at every start.\n" + "".join(lines))


def shown(path):
    """A path as somebody in the root of the tree would type it."""
    return shlex.quote(str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path))
