"""The fuzz targets, what is kept of their inputs, and how one is run.

A corpus is a text file, an input a line: printable ASCII as it is, a backslash before what stands
for another byte (\\n, \\r, \\t, \\\\, \\x00), a line of # words before what needs them.
"""
import hashlib
import os
import pathlib
import re
import shutil
import subprocess

from system.common import ROOT

BUILD = pathlib.Path(os.environ.get("TALLYSTICK_FUZZ_BUILD", ROOT / "build-fuzz")).resolve()
HERE = ROOT / "tests/fuzz"
# The longest first: they end last where several run side by side.
TARGETS = ("door", "http", "json", "hop", "event", "config", "log", "amount",
           "trace")
KEPT_SIZE_MAX = 4096  # bytes of an input that is kept: who reads the corpus is to see something
# Whatever a sanitizer finds ends the run. Memory of an input is an arena's: there are no leaks.
SETTINGS = {
    "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=0",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
}
ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}


def write_line(data):
    """Bytes as one line of a corpus."""
    line = "".join(ESCAPES.get(c) or (c if " " <= c <= "~" else f"\\x{ord(c):02x}")
                   for c in data.decode("latin-1"))
    for end in (len(line) - 1, 0):
        if line and line[end] in (" ", "#"):
            line = line[:end] + f"\\x{ord(line[end]):02x}" + line[end + 1:]
    return line


def read_line(line):
    """The bytes that a line of a corpus stands for."""
    plain = {said: c for c, said in ESCAPES.items()}
    return re.sub(r"\\(?:x([0-9a-f]{2})|.)",
                  lambda found: chr(int(found[1], 16)) if found[1] else plain[found[0]],
                  line).encode("latin-1")


def corpus_file(target):
    return HERE / "corpus" / f"{target}.txt"


def read_corpus(target):
    lines = corpus_file(target).read_text("ascii").splitlines()
    return [read_line(line) for line in lines if line and not line.startswith("#")]


def unpack(target, folder):
    """The corpus as libFuzzer wants it: a file an input."""
    folder.mkdir(parents=True, exist_ok=True)
    for data in read_corpus(target):
        (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)
    return folder


def program(target, kind="fuzz"):
    path = BUILD / f"tests/fuzz/{kind}_{target}"
    assert path.exists(), f"{path} is not built; tools/test and make fuzz build it"
    return path


class Outcome:
    """What a run has said."""

    def __init__(self, code, said):
        self.code, self.said = code, said
        self.executions = self._number(r"number_of_executed_units:\s*(\d+)")
        self.covered = self._number(r"cov: (\d+)")

    def _number(self, pattern):
        found = re.findall(pattern, self.said)
        return int(found[-1]) if found else 0

    def complaint(self):
        """What the oracle, a sanitizer or libFuzzer has found, up to where it shows the input."""
        found = re.search(r"^(oracle failed|.*runtime error|==\d+==).*?(?=^MS: |\Z)", self.said,
                          re.MULTILINE | re.DOTALL)
        return (found[0] if found else self.said)[:8000]

    def finding(self):
        """The file with the input that broke something; None: nothing has."""
        found = re.search(r"Test unit written to (\S+)", self.said)
        return pathlib.Path(found[1]) if found else None


def execute(target, *arguments, environment=None, kind="fuzz"):
    done = subprocess.run(
        [program(target, kind), "-detect_leaks=0", "-timeout=120", *arguments],
        env=(environment or os.environ.copy()) | SETTINGS, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return Outcome(done.returncode, done.stdout.decode(errors="replace"))


def run(target, folder, *options, environment=None, kind="fuzz"):
    """One run of a target over its corpus, in a folder of its own; new inputs stay in it."""
    new, kept = folder / "new", unpack(target, folder / "kept")
    new.mkdir(exist_ok=True)
    words = HERE / f"dictionaries/{target}.dict"
    dictionary = [f"-dict={words}"] if words.exists() else []
    return execute(target, "-print_final_stats=1", "-rss_limit_mb=4096", *dictionary,
                   f"-artifact_prefix={folder}/", *options, new, kept, environment=environment,
                   kind=kind)


def play(target, path, environment=None):
    """One input, once."""
    return execute(target, path, environment=environment)


def keep(target, folder, environment=None):
    """Adds those of the new inputs to the corpus that reach a branch that nothing kept reaches, and
    says how many they are."""
    merged = unpack(target, folder / "merged")
    before = {path.name for path in merged.iterdir()}
    outcome = execute(target, "-merge=1", "-use_counters=0", merged, folder / "new",
                      environment=environment)
    assert outcome.code == 0, outcome.said
    found = [path.read_bytes() for path in merged.iterdir() if path.name not in before]
    lines = sorted({write_line(data) for data in found if 0 < len(data) <= KEPT_SIZE_MAX},
                   key=lambda line: (len(line), line))
    with corpus_file(target).open("a", encoding="ascii") as corpus:
        corpus.writelines(f"{line}\n" for line in lines)
    shutil.rmtree(merged)
    return len(lines)
