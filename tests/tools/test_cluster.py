"""tools/cluster from outside: made once, kept, restarted after a crash, private, and found by its
user wherever its directory lies."""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

CLUSTER = pathlib.Path(__file__).parents[2] / "tools/cluster"


def cluster(command, directory, *args, become=(), check=True):
    done = subprocess.run([*become, CLUSTER, command, directory, *args], capture_output=True,
                          text=True)
    assert not check or done.returncode == 0, done.stderr
    return done


def ask(directory, query, **options):
    return cluster("psql", directory, "-Atqc", query, **options).stdout.strip()


def server_process(directory):
    return int((directory / "postgres/data/postmaster.pid").read_text().split()[0])


@contextlib.contextmanager
def directory(mode=0o711, below="/tmp", name=""):
    top = pathlib.Path(tempfile.mkdtemp(prefix="tallystick-test-", dir=below))
    top.chmod(mode)
    it = top / name if name else top
    it.mkdir(parents=True, exist_ok=True)
    try:
        yield it
    finally:
        cluster("destroy", it)
        shutil.rmtree(top)


@pytest.fixture(scope="module")
def running():
    with directory() as it:
        cluster("start", it)
        yield it


def test_start__again_keeps_data_and_is_quick(running):
    ask(running, "CREATE TABLE kept AS SELECT 7 AS seven")
    cluster("stop", running)
    assert cluster("status", running, check=False).returncode == 1
    before = time.monotonic()
    cluster("start", running)
    assert time.monotonic() - before < 2
    assert ask(running, "SELECT seven FROM kept") == "7"
    cluster("start", running)  # one that runs is left as it is
    assert cluster("status", running).stdout.startswith("running")


def test_start__after_a_crash(running):
    ask(running, "CREATE TABLE survived AS SELECT 1 AS one")
    os.kill(server_process(running), signal.SIGKILL)
    cluster("start", running)
    assert ask(running, "SELECT one FROM survived") == "1"


def test_start__process_id_of_somebody_else(running):
    """After a reboot the process id in postmaster.pid may be anybody's."""
    cluster("stop", running)
    pid_file = running / "postgres/data/postmaster.pid"
    pid_file.write_text(f"{os.getppid()}\n{pid_file.parent}\n1\n5432\n/tmp\n\n")
    shutil.chown(pid_file, pid_file.parent.owner())
    cluster("start", running)
    assert ask(running, "SELECT 1") == "1"


def test_settings(running):
    """Durable, on a socket alone, and with what a start adds."""
    wanted = {"listen_addresses": "", "fsync": "on", "synchronous_commit": "on",
              "full_page_writes": "on", "TimeZone": "UTC", "server_encoding": "UTF8",
              "lc_collate": "C"}
    for name, value in wanted.items():
        assert ask(running, f"SHOW {name}") == value, name
    cluster("stop", running)
    cluster("start", running, "work_mem=7MB")
    assert ask(running, "SHOW work_mem") == "7MB"


def test_socket__is_private(running):
    socket_dir = pathlib.Path(cluster("socket", running).stdout.strip())
    assert socket_dir.stat().st_mode & 0o077 == 0
    assert (running / "postgres").stat().st_mode & 0o077 == 0


def test_caller_environment__leads_nowhere(running, monkeypatch):
    monkeypatch.setenv("PGHOST", "/nowhere")
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGDATABASE", "other")
    assert ask(running, "SELECT current_database()") == "tallystick"


def test_long_path():
    """A socket's path has 107 bytes; the data stay where they are asked for."""
    with directory(name="a-long-name/" * 9 + "with blank's") as it:
        assert len(str(it)) > 107
        cluster("start", it)
        assert ask(it, "SELECT 1") == "1"
        assert (it / "postgres/data/PG_VERSION").exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root's server has another user")
def test_root__directory_closed_to_the_server():
    with directory(mode=0o700) as it:
        said = cluster("start", it).stderr
        assert "may not enter" in said
        home = (it / "postgres").readlink()
        assert home.parent == pathlib.Path("/var/lib")
        assert ask(it, "SELECT 1") == "1"
        cluster("stop", it)
        cluster("start", it)
        cluster("destroy", it)
        assert not home.exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another")
def test_plain_user():
    """Not as root: the server runs as the caller."""
    become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    with directory(mode=0o777) as it:
        cluster("start", it, become=become)
        assert ask(it, "SELECT 1", become=become) == "1"
        assert (it / "postgres").stat().st_uid == 65534
        cluster("destroy", it, become=become)


def test_destroy__leaves_nothing():
    with directory() as it:
        cluster("start", it)
        process = server_process(it)
        cluster("destroy", it)
        assert list(it.iterdir()) == []
        assert not pathlib.Path(f"/proc/{process}/cwd").exists()


def test_usage(tmp_path):
    for args in ([], ["start"], ["dance", tmp_path]):
        done = subprocess.run([CLUSTER, *args], capture_output=True, text=True)
        assert done.returncode == 2 and "tools/cluster start" in done.stderr
