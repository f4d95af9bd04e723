"""What a run was on: figures mean little without it."""
import os
import pathlib
import platform
import re
import subprocess

from system.common import ROOT

SETTINGS = ("fsync", "synchronous_commit", "full_page_writes", "wal_compression", "shared_buffers",
            "max_wal_size", "checkpoint_timeout", "wal_buffers", "autovacuum")


def text_of(*command):
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    return done.stdout.strip() if done.returncode == 0 else ""


def processor():
    found = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    return found[1] if found else platform.machine()


def memory_gib():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def shape():
    """For a file's name: 2-cores-24-gib."""
    return f"{os.cpu_count()}-cores-{memory_gib():.0f}-gib"


def told(cluster):
    """Everything about machine, versions and settings, by name."""
    commit = text_of("git", "rev-parse", "--short", "HEAD")
    changed = " with changes" if text_of("git", "status", "--porcelain", "-uno") else ""
    settings = {name: cluster.sql("postgres", f"SHOW {name}")[0][0] for name in SETTINGS}
    return {
        "machine": f"{os.cpu_count()} cores ({processor()}), {memory_gib():.0f} GiB of memory, "
                   f"Linux {platform.release()}",
        "disk": text_of("findmnt", "-n", "-o", "FSTYPE,SOURCE", "-T", str(cluster.dir)),
        "postgresql": cluster.sql("postgres", "SHOW server_version")[0][0],
        "compiler": text_of("gcc", "--version").splitlines()[0],
        "tallystick": f"{(ROOT / 'VERSION').read_text().strip()} ({commit}{changed})",
        "settings": settings,
    }
