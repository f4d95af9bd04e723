"""tools/tidy refuses what it should: a small clean tree passes, and each fault put in is named."""
import importlib.machinery
import importlib.util
import pathlib
import subprocess

import pytest

TIDY = pathlib.Path(__file__).parents[2] / "tools/tidy"


def load(path):
    """A program without the ending .py, as a module."""
    loader = importlib.machinery.SourceFileLoader(path.name, str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(path.name, loader))
    loader.exec_module(module)
    return module


tidy = load(TIDY)

HEADER = """\
/* {path} - a piece.
 *
 * Purpose:   to be checked.
 * Units:     none.
 * Ownership: none.
 * Errors:    none.
 * Threads:   any. */
#ifndef {guard}
#define {guard}

{declaration}

#endif
"""


def header(path, guard, declaration):
    return HEADER.format(path=path, guard=guard, declaration=declaration)


CLEAN = {
    "src/meson.build": "subdir('base')\n",
    "src/base/README.md": "Tools.\n",
    "src/base/meson.build": "sources += files('piece.c')\n",
    "src/base/piece.h": header("base/piece.h", "BASE_PIECE_H", "int piece_size(void);"),
    "src/base/piece.c": '#include "base/piece.h"\n\n#include <stddef.h>\n\n'
                        "int piece_size(void)\n{\n    return 1;\n}\n",
    "src/domain/README.md": "Rules.\n",
    "src/platform/README.md": "Adapters.\n",
    "src/ledger/README.md": "Books.\n",
    "src/ledger/meson.build": "sources += files('post.c', 'sql/read_row.sql')\n",
    "src/ledger/post.c": '#include "base/piece.h"\n#include "ledger_sql.h"\n\n'
                         "static const void *STATEMENT = SQL_READ_ROW;\n",
    "src/ledger/sql/read_row.sql": "-- read_row: one row.\nSELECT 1;\n",
    "tests/unit/meson.build": "unit_modules = ['base/piece']\n",
    "tests/unit/base/test_piece.c": '#include "base/piece.h"\n',
    "tools/help.py": "print('help')\n",
    "Makefile": "all:\n\ttrue\n",
}


def c_function(*lines):
    return "void work(void);\n\nvoid work(void)\n{\n" + "".join(f"    {x}\n" for x in lines) + "}\n"


def c_nested(depth):
    opening = [" " * 4 * i + "if (1) {" for i in range(depth)]
    closing = [" " * 4 * i + "}" for i in reversed(range(depth))]
    return c_function(*opening, *closing)


def included(code):
    return f'#include "base/piece.h"\n{code.rstrip()}\n'


# What is done to the clean tree: a file is replaced or added; the words that must be said of it.
FAULTS = [
    ("blanks at a line's end", "tools/help.py", "x = 1 \n", "blanks at the end"),
    ("a tab", "tools/help.py", "if 1:\n\tpass\n", "a tab"),
    ("no line end", "tools/help.py", "x = 1", "must end with one line end"),
    ("an empty last line", "tools/help.py", "x = 1\n\n", "must end with one line end"),
    ("unfinished work", "tools/help.py", "# TO" "DO: more\n", "the number of its issue"),
    ("one machine's place", "tools/help.py", "# see /ho" "me/me/x\n", "a place of one machine"),
    ("an absent document", "tools/help.py", "# DESI" "GN 3\n", "not in this tree"),
    ("a long line", "tools/help.py", "#" * 101 + "\n", "101 columns"),
    ("a long line of SQL", "src/ledger/sql/read_row.sql",
     "-- read_row: x\n--" + "x" * 99 + "\n", "101 columns"),
    ("a long script", "tools/work", "#!/bin/sh\n" + "true\n" * 500, "501 lines"),
    ("a long file", "src/base/piece.c", included("int x;\n" * 500), "501 lines"),
    ("a long function", "src/base/piece.c", included(c_function(*["work();"] * 68)), "of 71 lines"),
    ("a long Python function", "tools/help.py",
     "def work():\n" + "    pass\n" * 70, "function of 71 lines"),
    ("deep nesting", "src/base/piece.c", included(c_nested(4)), "nested deeper than 3"),
    ("many parameters", "src/base/piece.c",
     included("int f(int a, int b, int c, int d,\n      int e, int g);"), "f takes 6 parameters"),
    ("a banned call", "src/base/piece.c", included(c_function("strcpy(a, b);")), "strcpy() is"),
    ("a banned call in a test", "tests/unit/base/test_piece.c",
     included(c_function("x = atoi (b);")), "atoi() is banned"),
    ("the heap in a room", "src/ledger/post.c",
     CLEAN["src/ledger/post.c"] + c_function("free(x);"), "free() belongs"),
    ("a double", "src/base/piece.c", included("extern double rate;"), "no double"),
    ("base includes domain", "src/base/piece.c", included('#include "domain/money.h"'),
     "base must not include domain"),
    ("domain includes platform", "src/domain/x.h",
     header("domain/x.h", "DOMAIN_X_H", '#include "platform/log/log.h"'),
     "domain must not include platform"),
    ("platform includes domain", "src/platform/x.h",
     header("platform/x.h", "PLATFORM_X_H", '#include "domain/money.h"'),
     "platform must not include domain"),
    ("platform includes a room", "src/platform/x.h",
     header("platform/x.h", "PLATFORM_X_H", '#include "saga/store.h"'),
     "platform must not include saga"),
    ("a room includes another", "src/ledger/post.c",
     CLEAN["src/ledger/post.c"] + '#include "saga/store.h"\n', "ledger must not include saga"),
    ("a path not from src/", "src/base/piece.c", included('#include "other.h"'), "paths from src/"),
    ("the system's header first", "src/base/piece.c",
     '#include <stddef.h>\n#include "base/piece.h"\n', "before the system's"),
    ("the own header late", "src/base/piece.c",
     '#include "base/error.h"\n#include "base/piece.h"\n', "own header comes first"),
    ("a header of another name", "src/base/piece.h",
     CLEAN["src/base/piece.h"].replace("base/piece.h -", "base/part.h -"), "a header begins with"),
    ("a header without threads", "src/base/piece.h",
     CLEAN["src/base/piece.h"].replace("Threads:", "Thread:"), "the head comment has the parts"),
    ("another guard", "src/base/piece.h",
     CLEAN["src/base/piece.h"].replace("BASE_PIECE_H", "PIECE_H"), "guard is BASE_PIECE_H"),
    ("SQL of another name", "src/ledger/sql/read_row.sql", "-- read_rows: x\n",
     "the first line is '-- read_row: "),
    ("a migration without words", "src/ledger/migrations/0001_x.sql", "SELECT 1;\n",
     "a migration begins with a comment"),
    ("SQL nobody builds", "src/ledger/sql/gone.sql", "-- gone: x\n",
     "no meson.build names it"),
    ("SQL nobody uses", "src/ledger/post.c", "int x;\n", "no code uses this statement"),
    ("C nobody builds", "src/base/gone.c", "int x;\n", "no meson.build names it"),
    ("a test nobody builds", "tests/unit/base/test_gone.c", "int x;\n",
     "does not name 'base/gone'"),
    ("a header nobody includes", "src/base/gone.h", header("base/gone.h", "BASE_GONE_H", ""),
     "nothing includes it"),
    ("a folder without words", "src/saga/meson.build", "\n", "src/saga has no README.md"),
    ("no Python", "tools/help.py", "def:\n", "no Python"),
]


def said_of(root, files):
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return [what for _, _, what in tidy.findings(tidy.read_tree(root))]


def test_tidy__clean_tree(tmp_path):
    assert said_of(tmp_path, CLEAN) == []


@pytest.mark.parametrize("given, path, text, then", FAULTS, ids=[fault[0] for fault in FAULTS])
def test_tidy__fault(tmp_path, given, path, text, then):
    said = said_of(tmp_path, CLEAN | {path: text})
    assert any(then in what for what in said), said


def test_tidy__program(tmp_path):
    """The program itself says file, line and fault, and ends with 1."""
    said_of(tmp_path, CLEAN | {"tools/help.py": "x = 1 \n"})
    done = subprocess.run([TIDY, tmp_path], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "tools/help.py:1: blanks at the end of the line\n")


# What looks like a fault and is none.
FINE = [
    ("words in a comment", "src/base/piece.c", included("/* a double free() by strcpy() */")),
    ("words in a literal", "src/base/piece.c", included(c_function('say("atoi(1)  /* x");'))),
    ("the longest function", "src/base/piece.c", included(c_function(*["work();"] * 67))),
    ("the deepest nesting", "src/base/piece.c", included(c_nested(3))),
    ("five and more to print", "src/base/piece.c",
     included("int f(int a, int (*b)(int, int), int c, int d, int e, ...);")),
    ("the longest line", "tools/help.py", "#" * 100 + "\n"),
    ("unfinished work with its number", "tools/help.py", "# TO" "DO #12: more\n"),
    ("the heap in platform", "src/platform/x.h",
     header("platform/x.h", "PLATFORM_X_H", "static void y(void) { free(x); }")),
]


@pytest.mark.parametrize("given, path, text", FINE, ids=[fine[0] for fine in FINE])
def test_tidy__fine(tmp_path, given, path, text):
    files = CLEAN | {path: text}
    if path == "src/platform/x.h":
        files["src/ledger/post.c"] = '#include "platform/x.h"\n' + files["src/ledger/post.c"]
    assert said_of(tmp_path, files) == []
