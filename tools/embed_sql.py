#!/usr/bin/env python3
"""Turns a room's .sql files into one C header and one C source.

    embed_sql.py ROOM HEADER SOURCE FILE.sql...

A file below a folder `sql/` is a statement, one below `migrations/` a migration; migrations are
taken in the order given. From the head comment of a statement come its parameter count and an
enum of its columns, so that no code counts columns by hand:

    -- lock_account: what it does, in one line.
    -- param  name   type
    -- column name   type

Of a COPY the head names the columns of the rows that are copied, in order:

    -- copied name   type
"""
import hashlib
import pathlib
import re
import sys

ROW = re.compile(r"^-- (param|column|copied)\s+(\w+)\s+(.+?)\s*$")
COPY = re.compile(r"COPY\s+[\w.]+\s*\(([^)]*)\)\s*FROM STDIN \(FORMAT binary\)\Z")


def c_string(text):
    lines = text.splitlines(keepends=True)
    quoted = [line.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for line in lines]
    return "\n".join(f'    "{line}"' for line in quoted)


def code_of(text):
    """The statement without its head comment and its last semicolon."""
    lines = text.splitlines()
    while lines and (lines[0].startswith("--") or not lines[0].strip()):
        lines.pop(0)
    return "\n".join(lines).rstrip().rstrip(";")


class Statement:
    def __init__(self, path):
        self.name = path.stem
        self.text = path.read_text()
        self.params, self.columns, self.copied = [], [], []
        if not self.text.startswith(f"-- {self.name}:"):
            sys.exit(f"{path}: the first line must be '-- {self.name}: what it does'")
        for line in self.text.splitlines():
            found = ROW.match(line)
            if found:
                kinds = {"param": self.params, "column": self.columns, "copied": self.copied}
                kinds[found[1]].append((found[2], found[3]))
        used = {int(n) for n in re.findall(r"\$(\d+)", code_of(self.text))}
        if used != set(range(1, len(self.params) + 1)):
            sys.exit(f"{path}: {len(self.params)} params declared, ${sorted(used)} used")
        self.check_copied(path)

    def check_copied(self, path):
        copies = COPY.search(code_of(self.text))
        named = re.split(r",\s*", copies[1].replace('"', "")) if copies else []
        if named != [name for name, _ in self.copied]:
            sys.exit(f"{path}: the head's copied columns are not those of the COPY: {named}")


def header(room, statements, migrations):
    guard = f"{room.upper()}_SQL_H"
    yield f"/* Made by tools/embed_sql.py from the .sql files of {room}: edit those. */"
    yield f"#ifndef {guard}\n#define {guard}\n"
    yield '#include "platform/postgres/sql.h"\n'
    for s in statements:
        yield f"/* {s.text.splitlines()[0][3:]} */"
        yield f"extern const struct sql_statement {room}_sql_{s.name};"
        yield f"#define SQL_{s.name.upper()} (&{room}_sql_{s.name})"
        if s.columns:
            names = [f"    {s.name.upper()}_{column.upper()}," for column, _ in s.columns]
            yield "enum {\n" + "\n".join(names) + "\n};"
        yield ""
    if statements:
        yield "/* Every statement of the room, for connections to prepare; ends in NULL. */"
        yield f"extern const struct sql_statement *const {room}_statements[];"
    if migrations:
        yield "/* The room's migrations in order; the last has no name. */"
        yield f"extern const struct sql_migration {room}_migrations[];"
    yield "\n#endif"


def source(room, statements, migrations, header_name):
    yield f"/* Made by tools/embed_sql.py from the .sql files of {room}: edit those. */"
    yield f'#include "{header_name}"\n'
    yield "#include <stddef.h>\n"
    for s in statements:
        yield f"const struct sql_statement {room}_sql_{s.name} = {{"
        yield f'    .name = "{room}.{s.name}",\n    .param_count = {len(s.params + s.copied)},'
        yield f"    .text =\n{c_string(code_of(s.text))},\n}};\n"
    if statements:
        yield f"const struct sql_statement *const {room}_statements[] = {{"
        yield "\n".join(f"    &{room}_sql_{s.name}," for s in statements) + "\n    NULL,\n};\n"
    if migrations:
        yield f"const struct sql_migration {room}_migrations[] = {{"
        for path in migrations:
            text = path.read_text()
            digest = hashlib.sha256(text.encode()).hexdigest()
            yield f'    {{"{path.stem}", "{digest}",\n{c_string(text)}}},'
        yield "    {NULL, NULL, NULL},\n};"


def main():
    room = sys.argv[1]
    header_path, source_path, *paths = (pathlib.Path(p) for p in sys.argv[2:])
    statements = [Statement(p) for p in paths if p.parent.name == "sql"]
    migrations = [p for p in paths if p.parent.name == "migrations"]
    header_path.write_text("\n".join(header(room, statements, migrations)) + "\n")
    source_path.write_text("\n".join(source(room, statements, migrations, header_path.name)) + "\n")


if __name__ == "__main__":
    main()
