"""tools/setup with stand-ins for dpkg, apt and sudo: what it asks them for, and what it says."""
import pathlib
import shutil
import subprocess
import time

import pytest

SETUP = pathlib.Path(__file__).parents[2] / "tools/setup"
PACKAGES = [line.split() for line in (SETUP.parent / "packages.txt").read_text().splitlines()
            if line and not line.startswith("#")]

DPKG_QUERY = """#!/bin/sh
# Knows every package but those of the file missing.
for package in "$@"; do
    case $package in -*) continue ;; esac
    grep -qx "$package" {dir}/missing || echo "$package installed"
done
"""
SUDO = """#!/bin/sh
echo "$*" >> {dir}/asked
case "$*" in *"apt-get install"*) exit $(cat {dir}/install-result) ;; esac
"""


@pytest.fixture
def machine(tmp_path):
    """A machine of a plain user: run(missing=[...]) gives exit code, output and what sudo got."""
    (tmp_path / "bin").mkdir()
    for name in ("bash", "dirname", "env", "grep", "cat", "sh", "tr"):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name))
    stand_ins = {"dpkg-query": DPKG_QUERY, "sudo": SUDO, "apt-get": "#!/bin/sh\nexit 1\n",
                 "id": "#!/bin/sh\necho 1000\n"}
    for name, text in stand_ins.items():
        (tmp_path / "bin" / name).write_text(text.format(dir=tmp_path))
        (tmp_path / "bin" / name).chmod(0o755)

    def run(*args, missing=(), without=(), install_result=0, **environment):
        (tmp_path / "missing").write_text("".join(f"{name}\n" for name in missing))
        (tmp_path / "install-result").write_text(str(install_result))
        for name in without:
            (tmp_path / "bin" / name).unlink()
        done = subprocess.run([SETUP, *args], env={"PATH": f"{tmp_path}/bin", **environment},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        asked = tmp_path / "asked"
        return (done.returncode, done.stdout + done.stderr,
                asked.read_text().splitlines() if asked.exists() else [])

    return run


def test_setup__all_is_there(machine):
    before = time.monotonic()
    assert machine("test") == (0, "", [])
    assert time.monotonic() - before < 5


def test_setup__run_takes_no_test_packages(machine):
    code, said, asked = machine("run", missing=["clang-tidy", "libcmocka-dev"])
    assert (code, said, asked) == (0, "", [])


def test_setup__missing(machine):
    code, said, asked = machine("test", missing=["libpq-dev", "clang"],
                                http_proxy="http://proxy:3128")
    assert code == 0
    assert "installing 2 Debian packages" in said
    named = {line.split()[0]: line.split()[1:] for line in said.splitlines() if line[0] == " "}
    assert named == {package: why for _, package, *why in PACKAGES
                     if package in ("libpq-dev", "clang")}
    update, folder, drop_in, install, removal = asked
    assert update.endswith("apt-get update -q")
    assert "create_main_cluster = false" in drop_in
    assert "apt-get install" in install and "-y" in install
    assert sorted(install.split()[-2:]) == ["clang", "libpq-dev"]
    assert "rm -f /etc/postgresql-common/createcluster.d/" in removal
    for command in asked:
        assert command.startswith("-n env DEBIAN_FRONTEND=noninteractive")
        assert "http_proxy=http://proxy:3128" in command


def test_setup__groups(machine):
    """The groups that are named and `run`; a package may be of several."""
    missing = ["gcc", "maven", "clang", "golang-go", "openjdk-17-jre-headless", "python3-venv"]
    _, _, asked = machine("kafka", "sns-sqs", missing=missing)
    assert sorted(asked[3].split()[-4:]) == ["gcc", "maven", "openjdk-17-jre-headless",
                                             "python3-venv"]
    assert "clang" not in asked[3] and "golang-go" not in asked[3]


def test_setup__failed_install_cleans_up(machine):
    code, said, asked = machine(missing=["gcc"], install_result=100)
    assert code != 0 and "done" not in said
    assert "rm -f" in asked[-1]


def test_setup__neither_root_nor_sudo(machine):
    code, said, _ = machine(missing=["gcc"], without=["sudo"])
    assert code == 1
    assert "apt-get update && apt-get install gcc" in said


def test_setup__no_debian(machine):
    code, said, _ = machine(without=["dpkg-query"])
    assert code == 1 and "no Debian" in said


def test_setup__usage(machine):
    code, said, asked = machine("run", "everything")
    assert (code, asked) == (2, []) and "no group 'everything'" in said


def test_packages__are_described():
    known = {"build", "run", "test", "compose", "kafka", "dynamodb", "sns-sqs", "toxiproxy",
             "jaeger"}
    for groups, package, *why in PACKAGES:
        assert set(groups.split(",")) <= known and why, package
    names = [package for _, package, *_ in PACKAGES]
    assert len(names) == len(set(names))
