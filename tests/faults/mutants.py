"""Programs that are broken on purpose: whoever checks must refuse what they do. A mutant is the
build at hand with some of its source files changed, compiled as they were, linked before the rest.
"""
import pathlib
import re
import shlex
import subprocess

from system.harness import BINARY

BUILD = BINARY.parents[1]


def commands():
    said = subprocess.run(["ninja", "-C", BUILD, "-t", "commands", "src/tallystick"], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    return said.splitlines()


def is_of(command, source):
    return re.search(rf" -c (\S*/)?{re.escape(source)}$", command)


def mutant(to, *changes):
    """A program at the path `to`; a change is (source file below src/, what it says, what instead).
    What the build generated may be changed too."""
    every, objects = commands(), []
    for number, (source, old, new) in enumerate(changes):
        command, = (one for one in every if is_of(one, source))
        objects.append(to.with_suffix(f".{number}.o"))
        compile_changed(command, objects[-1], old, new)
    link = shlex.split(every[-1])
    at = link.index("-o") + 1
    link[at:at + 1] = [str(to), *map(str, objects)]
    subprocess.run(link, cwd=BUILD, check=True)
    return to


def compile_changed(command, to, old, new):
    words = shlex.split(command)
    text = (BUILD / words[-1]).read_text()
    assert text.count(old) == 1, f"{words[-1]} says '{old}' {text.count(old)} times, not once"
    changed = to.with_suffix(".c")
    changed.write_text(text.replace(old, new))
    for option in ("-MQ", "-MF"):
        at = words.index(option)
        del words[at:at + 2]
    words.remove("-MD")
    words[words.index("-o") + 1] = str(to)
    words[-1] = str(changed)
    subprocess.run(words, cwd=pathlib.Path(BUILD), check=True)
