#!/usr/bin/env python3
"""run.py - libFuzzer on every target for a while: make fuzz SECONDS=60 TARGET="http json" SEED=7.

Several targets run side by side, one a core. New inputs and findings stay below build-fuzz/found/.
--keep adds those inputs to the corpora that reach what nothing kept reaches. A finding ends the
run with 1 and says how to play it again; mended, its input goes into the corpus.
"""
import argparse
import concurrent.futures
import contextlib
import os
import pathlib
import random
import shutil
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
os.environ.setdefault("TALLYSTICK_BIN", str(ROOT / "build-fuzz/src/tallystick"))

from fuzz import door, targets  # noqa: E402  (needs the path above)
from system.harness import Cluster  # noqa: E402


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", choices=[*targets.TARGETS, []])
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--seed", type=int, default=random.randrange(1, 2**31))
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--keep", action="store_true", help="add new inputs to the corpora")
    parser.add_argument("--play", type=pathlib.Path, help="one input, once")
    return parser.parse_args()


@contextlib.contextmanager
def surroundings(target, is_whole=True):
    """The environment that a target needs; None: it needs none. One input alone is not whole: it
    need not come to a decision."""
    if target != "door":
        yield None
        return
    cluster = Cluster()
    try:
        with door.behind(cluster, is_whole) as environment:
            yield environment
    finally:
        cluster.close()


def fuzz(target, arguments):
    folder = targets.BUILD / "found" / target
    shutil.rmtree(folder, ignore_errors=True)
    options = [f"-max_total_time={arguments.seconds}", f"-seed={arguments.seed}"]
    with surroundings(target) as environment:
        outcome = targets.run(target, folder, *options, environment=environment)
        kept = 0
        if arguments.keep and outcome.code == 0:
            kept = targets.keep(target, folder, environment)
    return outcome, kept


def tell(target, outcome, kept):
    words = f", {kept} new inputs kept" if kept else ""
    print(f"{target}: {outcome.executions} executions, {outcome.covered} branches{words}",
          flush=True)
    if outcome.code == 0:
        return True
    print(outcome.complaint())
    finding = outcome.finding()
    print(f"{target}: ended with {outcome.code}; play it again by:\n"
          f"  .venv/bin/python tests/fuzz/run.py {target} --play {finding}\n"
          f"{targets.write_line(finding.read_bytes()) if finding else ''}", flush=True)
    return False


def play(target, path):
    with surroundings(target, is_whole=False) as environment:
        outcome = targets.play(target, path, environment)
    print(outcome.said)
    return outcome.code


def main():
    arguments = read_arguments()
    chosen = arguments.targets or targets.TARGETS
    if arguments.play:
        return play(chosen[0], arguments.play)
    print(f"{arguments.seconds} s for each target, {arguments.jobs} at once, "
          f"seed {arguments.seed}", flush=True)
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        runs = {pool.submit(fuzz, target, arguments): target for target in chosen}
        told = [tell(runs[run], *run.result()) for run in concurrent.futures.as_completed(runs)]
    return 0 if all(told) else 1


if __name__ == "__main__":
    sys.exit(main())
