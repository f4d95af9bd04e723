"""A PostgreSQL that a round can strike: few connections, and a small disk that can be full, a
tmpfs. Who may not mount one has an ordinary disk, which nobody fills."""
import contextlib
import errno
import functools
import os
import pathlib
import pwd
import subprocess
import tempfile

import psycopg

from system.common import wait_until
from system.harness import Cluster

CONNECTIONS = 60
SETTINGS = (f"max_connections={CONNECTIONS}", "max_wal_size=128MB", "wal_keep_size=0")
DISK_MB = 1024
CHUNK = 1 << 20
DECIDED_S = 60  # within which a server that lost its disk has ended, or goes on


class StruckCluster(Cluster):
    def __init__(self, bus, keystore):
        self.disk = None
        super().__init__(bus, keystore, settings=SETTINGS, lay=self._mount)

    def _mount(self, _):
        if can_mount():
            self.disk = SmallDisk(self.dir / "postgres")

    def close(self):
        if self.disk:
            self.stop()
            self.disk.close()
        super().close()

    def start_if_ended(self):
        """One that could not go on may have ended, or be about to."""
        wait_until(lambda: self.answers() or not self.processes(), DECIDED_S,
                   what="PostgreSQL answers or has ended")
        if not self.processes():
            self.start()

    def answers(self):
        with contextlib.suppress(psycopg.OperationalError):
            return self.sql("postgres", "SELECT 1 AS one")
        return None

    def processes(self):
        """All of the server's: they work inside its data directory."""
        found = []
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if (process / "cwd").samefile(self.data):
                    found.append(int(process.name))
        return sorted(found)  # the first has made the others

    def log(self):
        return (self.dir / "postgres/log").read_text(errors="replace")


class SmallDisk:
    def __init__(self, place):
        """Mounted at a directory made for it, which the server's user alone may enter."""
        self.place, self.ballast = place, place / "ballast"
        place.mkdir(mode=0o700)
        owner = pwd.getpwnam("postgres")
        options = f"size={DISK_MB}m,mode=700,uid={owner.pw_uid},gid={owner.pw_gid}"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tallystick-test", place],
                       check=True)

    def fill(self):
        """To the last byte: whatever grows from now on is refused."""
        with self.ballast.open("wb", buffering=0) as ballast:
            for size in (CHUNK, 4096):
                try:
                    while True:
                        ballast.write(bytes(size))
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def free(self):
        self.ballast.unlink()

    def close(self):
        subprocess.run(["umount", self.place], check=True)


@functools.cache
def can_mount():
    """Root may, but for root of a container that is not trusted with it."""
    if os.geteuid() != 0:
        return False
    with tempfile.TemporaryDirectory() as place:
        tried = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tallystick-test", place],
                               capture_output=True)
        if tried.returncode == 0:
            subprocess.run(["umount", place], check=True)
    return tried.returncode == 0
