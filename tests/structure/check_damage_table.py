#!/usr/bin/env python3
"""Checks that every row of the damage table in docs/repair.md names tests, and that these exist.

A name without a dot is a row of tests/crash/damage_rows.cc; `Suite.Name` is a test somewhere below tests/.
"""

import re
import sys

sys.dont_write_bytecode = True  # no __pycache__ in the source tree
from source_tree import run, source_files  # noqa: E402

PAGE = "docs/repair.md"
ROWS = "tests/crash/damage_rows.cc"
TEST = re.compile(r"\bTEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)")


def table_rows(text):
    """(line number, cells) of the rows below the heading of the table whose last column is "shown by"."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("|"):
            inside = False
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if cells[-1] == "shown by":
            inside = True
        elif inside and not set(line) <= set("|-: "):
            yield number, cells


def check(root):
    tests = set()
    for file in source_files(root):
        if file.parts[0] == "tests":
            text = (root / file).read_text(encoding="utf-8")
            tests.update(f"{suite}.{name}" for suite, name in TEST.findall(text))
    rows_file = root / ROWS
    made = set(re.findall(r'\{"(\w+)",', rows_file.read_text(encoding="utf-8"))) if rows_file.exists() else set()

    problems = []
    seen = 0
    for number, cells in table_rows((root / PAGE).read_text(encoding="utf-8")):
        seen += 1
        names = [name for name in re.findall(r"`([^`]+)`", cells[-1]) if "/" not in name]
        if not names:
            problems.append(f"{PAGE}:{number}: no test shows \"{cells[0]}\"")
        for name in names:
            if name not in (tests if "." in name else made):
                problems.append(f"{PAGE}:{number}: there is no test {name}")
    if seen == 0:
        problems.append(f"{PAGE}: no table with a column \"shown by\"")
    return problems


if __name__ == "__main__":
    run(check, __doc__.splitlines()[0])
