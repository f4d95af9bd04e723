"""Servers that are backed up, restored, followed and lost, by the commands of the runbook itself:
what docs/runbooks/backup.md tells an operator is what is run here, in other places."""
import functools
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

import pytest
from system.common import ROOT, wait_until
from system.harness import OWNER, Cluster, run_tallystick

SERVER_USER = "postgres"  # runs the servers where the tests are root's, as in tools/cluster


def as_server(*command, env=None, check=True):
    """One run as the user of the database servers: returncode, stdout, stderr."""
    if os.getuid() == 0:
        command = ("setpriv", f"--reuid={SERVER_USER}", f"--regid={SERVER_USER}", "--init-groups",
                   "--", *command)
    done = subprocess.run(command, env=env, cwd="/", capture_output=True, text=True, timeout=120)
    assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done


def make_folder(path):
    """A folder of the servers' user alone."""
    path.mkdir(mode=0o700)
    if os.getuid() == 0:
        shutil.chown(path, SERVER_USER, SERVER_USER)
    return path


# ---- the page ------------------------------------------------------------------------------------

@functools.cache
def page():
    """The runbook's command blocks by chapter; what comes before the first is under ''."""
    text = (ROOT / "docs/runbooks/backup.md").read_text()
    chapters = re.split(r"^## (.+)\n", text, flags=re.M)
    named = zip(["", *chapters[1::2]], chapters[0::2], strict=True)
    return {title: re.findall(r"(?:^ {4,}\S.*\n)+", body, re.M) for title, body in named}


def block(chapter, number=0):
    lines = page()[chapter][number].splitlines()
    indent = min(len(line) - len(line.lstrip()) for line in lines)
    return "\n".join(line[indent:] for line in lines)


PROGRAMS = pathlib.Path(re.search(r"PATH=(.+?):", block(""))[1])  # PostgreSQL's own


class Places:
    """Where a test has what the page has at its example places; everything goes with it."""

    def __init__(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="tallystick-backup-", dir="/tmp"))
        self.root.chmod(0o711)
        self.backups = make_folder(self.root / "backups")
        make_folder(self.backups / "wal")
        script = shutil.copy(ROOT / "deploy/backup/archive-wal", self.root)
        self.of = {"/srv/backups": self.backups, "/usr/local/bin/archive-wal": script}

    def lay(self, text):
        for place in sorted(self.of, key=len, reverse=True):
            text = text.replace(place, str(self.of[place]))
        return text

    def run(self, script):
        """The commands as they stand on the page, after the page's own exports."""
        kept = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
        return as_server("bash", "-euo", "pipefail", "-c", self.lay(f"{block('')}\n{script}"),
                         env=kept)

    def archive_settings(self):
        rows = re.findall(r"^(\w+) = '?(.*?)'?$", block("Keep an archive"), re.M)
        return tuple(f"{name}={self.lay(value)}" for name, value in rows)

    def bases(self):
        return sorted(self.backups.glob("base-*"))

    def close(self):
        shutil.rmtree(self.root)


# ---- servers -------------------------------------------------------------------------------------

def start_archiving(places):
    """A server whose log is archived as the page says."""
    server = Cluster(settings=places.archive_settings())
    places.of["/run/postgresql"] = server.socket
    return server


def archive_all(server):
    """Everything that was committed is in the archive."""
    name = server.sql("postgres", "SELECT pg_walfile_name(pg_switch_wal()) AS name")[0].name
    wait_until(lambda: server.sql("postgres", """SELECT count(*) FROM pg_stat_archiver
                                                  WHERE last_archived_wal >= %s""", name)[0].count,
               30, what=f"{name} archived")


def lay_backup(places, lines=None, target_time=None, cluster=None):
    """Puts the newest base backup, or what the page's first `lines` lines do, into data."""
    make_folder(cluster.dir / "postgres")
    make_folder(cluster.data)
    places.of["/var/lib/postgresql/15/main"] = cluster.data
    script = "\n".join(block("Restore").splitlines()[:lines])
    if target_time is not None:
        told = block("Restore", 1)
        assert told.count("2026-11-22 14:02:00+00") == 1
        script += "\n" + told.replace("2026-11-22 14:02:00+00", target_time)
    places.run(script)


def restore(places, **how):
    """Another server from the newest base backup, once it takes writes."""
    server = Cluster(lay=lambda cluster: lay_backup(places, cluster=cluster, **how))
    places.of["/run/postgresql"] = server.socket
    places.run(block("Restore", 2))
    return server


class Pair(Cluster):
    """A primary and its synchronous standby; asked are both, and whoever takes writes answers."""

    def __init__(self, places):
        self.standby = None
        super().__init__()
        self.places = places
        places.of["/run/postgresql"] = self.socket
        self.standby = Cluster(lay=self._lay_standby)
        wait_until(lambda: "streaming" in places.run(block("A synchronous standby", 1)
                                                     .splitlines()[0]).stdout,
                   30, what="a standby that follows")
        places.run(block("A synchronous standby", 1).splitlines()[1])
        wait_until(self.is_synchronous, 30, what="a synchronous standby")

    def _lay_standby(self, cluster):
        make_folder(cluster.dir / "postgres")
        self.places.of["/var/lib/postgresql/15/standby"] = cluster.data
        self.places.run(block("A synchronous standby"))

    def is_synchronous(self):
        return self.sql("postgres", """SELECT count(*) FROM pg_stat_replication
                                        WHERE sync_state = 'sync'""")[0].count == 1

    def url(self, database, user=None):
        """As a service needs it: nothing but both names."""
        url = super().url(database, user)
        if self.standby is None:
            return url
        both = f"{self.socket},{self.standby.socket}"
        return url.replace(super().url("x").partition("=")[2], both.replace("/", "%2F"))

    def sql(self, database, query, *params, role=OWNER):
        """psycopg has to be told what services know."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PGTARGETSESSIONATTRS", "read-write")
            return super().sql(database, query, *params, role=role)

    def lose_primary(self):
        """The machine is gone: every process of its server at once."""
        postmaster = self.postmaster()
        tasks = pathlib.Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text()
        for process in (postmaster, *map(int, tasks.split())):
            os.kill(process, signal.SIGKILL)

    def promote(self):
        self.places.run(block("The primary is lost"))

    def close(self):
        super().close()
        self.standby.close()


# ---- what is in them -----------------------------------------------------------------------------

def verify(server, database, url=None):
    """`tallystick verify` over what lies there, with no service running."""
    env = server.environment(database)
    env |= {"TALLYSTICK_DATABASE_URL": url} if url else {}
    done = run_tallystick(env, "verify")
    return done.returncode, done.stdout + done.stderr


def stored(server, database):
    """When each transaction was decided."""
    rows = server.sql(database, """SELECT transaction_id, created_at
                                     FROM "authorization".credit_authorization""")
    return {row.transaction_id: row.created_at for row in rows}


def contents(server, database):
    """Every table's rows, as a number and a digest."""
    tables = server.sql(database, """
        SELECT c.oid::regclass::text AS name FROM pg_class AS c
         WHERE c.relkind = 'r' AND c.relnamespace::regnamespace::text IN
               ('authorization', 'ledger', 'saga', 'gateway', 'bus', 'operator')""")
    assert len(tables) > 20
    query = "SELECT count(*), md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))) FROM {} AS t"
    return {table.name: server.sql(database, query.format(table.name))[0] for table in tables}
