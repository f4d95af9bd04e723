"""A base backup taken under load, restored elsewhere by the runbook's own commands: as of its end,
to a moment, to the end of the archive. What was answered by then is there, what was decided later
is not, and the books are right."""
import bisect
import contextlib
import re
import subprocess
import threading

import psycopg
import pytest
from conftest import opened

from system.common import wait_until
from system.harness import OWNER, System
from system.recovery import (
    PROGRAMS, ROOT, Places, archive_all, as_server, block, contents, lay_backup, restore,
    start_archiving, stored, verify)
from system.traffic import Traffic

CLIENTS = {"clients": 6, "rest_s": 0.1}


class Witness:
    """Keeps noting what has been answered and how long the log was right after."""

    def __init__(self, traffic, url):
        self.traffic, self.url = traffic, url
        self.ends, self.notes = [], []
        self.stops = threading.Event()
        self.thread = threading.Thread(target=self._watch)

    def _watch(self):
        with psycopg.connect(self.url, autocommit=True) as db:
            while not self.stops.wait(0.02):
                self.notes.append(answered(self.traffic.all()))
                self.ends.append(read_end(db))

    def answered_by(self, end):
        """What had been answered at the latest when the log was this long."""
        return self.notes[bisect.bisect_right(self.ends, end) - 1]

    @contextlib.contextmanager
    def watching(self):
        self.thread.start()
        try:
            yield self
        finally:
            self.stops.set()
            self.thread.join()


def read_end(db):
    return int(db.execute("SELECT pg_current_wal_lsn() - '0/0'").fetchone()[0])


def answered(asks):
    return [ask for ask in asks if ask.tries and ask.tries[-1].outcome == 201]


def number_of(lsn):
    high, low = (int(part, 16) for part in lsn.split("/"))
    return high << 32 | low


def missing(server, database, asks):
    """Which of them a restored server knows nothing of."""
    there = stored(server, database)
    return [ask.transaction_id for ask in asks if ask.transaction_id not in there]


class Story:
    """What happened before the disaster: `asks` were answered, `at_backup` of them before the
    base backup ended, `at_moment` before the moment, the rest later."""

    def __init__(self, places, server, system):
        self.places, self.server, self.database = places, server, system.database
        traffic = Traffic(system, **CLIENTS)
        witness = Witness(traffic, server.url("postgres", OWNER))
        with traffic.flowing(), witness.watching():
            traffic.wait_for_more(60)
            said = places.run(block("Take a base backup")).stderr
            traffic.wait_for_more(60)
            self.at_moment = answered(traffic.all())
            self.moment = server.sql("postgres", "SELECT clock_timestamp() AS at")[0].at
            traffic.wait_for_more(60)
        end = number_of(re.search(r"write-ahead log end point: (\S+)", said)[1])
        self.at_backup = witness.answered_by(end)
        self.asks = traffic.all()
        assert not traffic.undecided(), traffic.outcomes()
        system.stop()
        self.contents = contents(server, self.database)
        archive_all(server)
        assert 60 <= len(self.at_backup) < len(self.at_moment) < len(self.asks)


@pytest.fixture(scope="module")
def story():
    with contextlib.ExitStack() as stack:
        places = Places()
        stack.callback(places.close)
        server = start_archiving(places)
        stack.callback(server.close)
        system = stack.enter_context(opened(System(server)))
        yield Story(places, server, system)


@pytest.fixture
def restored(story):
    with contextlib.ExitStack() as stack:
        def make(**how):
            server = restore(story.places, **how)
            stack.callback(server.close)
            return server
        yield make


def test_the_base_backup_alone(story, restored):
    server = restored(lines=3)  # without the archive: recovery needs nothing else
    assert missing(server, story.database, story.at_backup) == []
    code, said = verify(server, story.database)
    assert code == 0, said


def test_to_the_end_of_the_archive__not_a_row_differs(story, restored):
    server = restored()
    assert missing(server, story.database, story.asks) == []
    assert contents(server, story.database) == story.contents
    code, said = verify(server, story.database)
    assert code == 0, said


def test_to_a_moment__and_the_services_go_on_from_there(story, restored):
    server = restored(target_time=story.moment.isoformat(sep=" "))
    assert missing(server, story.database, story.at_moment) == []
    there = stored(server, story.database)
    assert max(there.values()) <= story.moment
    gone = missing(server, story.database, story.asks)
    assert gone, "the oracle itself: what came later is missing"
    assert contents(server, story.database) != story.contents
    code, said = verify(server, story.database)
    assert code == 0, said
    with opened(System(server, database=story.database)) as system:
        for ask in story.asks:
            assert ask.send(system), ask.outcomes()
            is_kept = ask.transaction_id not in gone
            assert (len({one.body for one in ask.tries if one.outcome == 201}) == 1) == is_kept
        system.settle()
        system.verify()
        once = system.sql('SELECT count(*) AS rows, count(DISTINCT transaction_id) AS ids '
                          'FROM "authorization".credit_authorization')[0]
        assert once.rows == once.ids == len(story.asks)


class Hollow:
    """A place for data that no server will live from."""

    def __init__(self, places):
        self.dir = places.root / "hollow"
        self.dir.mkdir(mode=0o711)
        self.data = self.dir / "postgres/data"

    def control(self, *verb):
        return as_server(PROGRAMS / "pg_ctl", *verb, "-D", str(self.data), check=False).returncode

    def start(self):
        """How a start ends that does not come to its target: the server's last words."""
        log = self.dir / "postgres/log"
        options = f"-k {self.dir}/postgres -c listen_addresses="
        self.control("start", "--no-wait", "-l", str(log), "-o", options)
        try:
            wait_until(lambda: log.exists() and "system is shut down" in log.read_text(), 30,
                       what="a server that gives up")
        finally:
            self.control("stop", "-m", "immediate")
        return log.read_text()


def test_an_archive_that_ends_too_early_is_seen(story):
    """A recovery to a moment does not end before it as if nothing were missing."""
    hollow = Hollow(story.places)
    later = story.moment.replace(year=story.moment.year + 1)
    lay_backup(story.places, target_time=later.isoformat(sep=" "), cluster=hollow)
    assert "recovery ended before configured recovery target was reached" in hollow.start()


# ---- archive-wal ---------------------------------------------------------------------------------

def archive(source, target):
    return subprocess.run([ROOT / "deploy/backup/archive-wal", source, target],
                          capture_output=True, text=True)


def test_archive_wal(tmp_path):
    source, other = tmp_path / "source", tmp_path / "other"
    source.write_bytes(b"log" * 1000)
    other.write_bytes(b"LOG" * 1000)
    target = tmp_path / "wal/000000010000000000000001"
    assert archive(source, target).returncode != 0, "there is no archive"
    target.parent.mkdir()
    target.with_name(target.name + ".partial").write_bytes(b"half")  # left by a crash
    assert archive(source, target).returncode == 0
    assert target.read_bytes() == source.read_bytes()
    assert archive(source, target).returncode == 0, "asked again after a crash"
    refused = archive(other, target)
    assert refused.returncode != 0 and "another server" in refused.stderr
    assert target.read_bytes() == source.read_bytes()
    assert [path.name for path in target.parent.iterdir()] == [target.name]
