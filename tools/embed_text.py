#!/usr/bin/env python3
"""Turns one text file into a constant of type struct text.

    embed_text.py NAME HEADER SOURCE FILE
"""
import pathlib
import sys


def c_string(text):
    lines = text.splitlines(keepends=True)
    quoted = [line.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for line in lines]
    return "\n".join(f'    "{line}"' for line in quoted)


def main():
    name, header, source, path = sys.argv[1], *map(pathlib.Path, sys.argv[2:5])
    made_by = f"/* Made by tools/embed_text.py from {path.name}: edit that. */\n"
    text = path.read_text(encoding="utf-8")
    guard = f"{name}_H"
    header.write_text(
        f'{made_by}#ifndef {guard}\n#define {guard}\n\n#include "base/text.h"\n\n'
        f"extern const struct text {name};\n\n#endif\n")
    source.write_text(
        f'{made_by}#include "{header.name}"\n\n'
        f"const struct text {name} = {{\n{c_string(text)},\n    {len(text.encode())}}};\n")


if __name__ == "__main__":
    main()
