#!/usr/bin/env python3
"""Checks that files and functions stay small enough to read: a large one hides a concept.

Aims: header 200 lines, source 400, test 700, function 70, a wing of engine/ 2,300 lines. A size over the aim
is printed; a size over the limit fails, unless size_allow_list.txt gives a reason.
"""

import re
import sys

sys.dont_write_bytecode = True  # no __pycache__ in the source tree
from source_tree import run, source_files  # noqa: E402

# kind: (aim, limit) in lines
SIZES = {"header": (200, 220), "source": (400, 450), "test": (700, 700), "function": (70, 80), "wing": (2300, 2300)}
ALLOW_LIST = "tests/structure/size_allow_list.txt"

# Openers of a brace at the end of a line that are not functions.
NOT_A_FUNCTION = re.compile(
    r"^\s*(if|else|for|while|switch|do|try|catch|namespace|class|struct|union|enum|extern|return|using|"
    r"case|default|template\s*<[^>]*>\s*(class|struct))\b")


def kind_of(file):
    if file.parts[0] == "tests":
        return "test"
    return "header" if file.suffix == ".h" else "source"


def statement_ending_at(lines, last):
    """The text of the statement whose last line is `last`, and its first line."""
    first = last
    while first > 0 and lines[first - 1].strip() and not re.search(r"([;{}]|:|\*/)\s*$|^\s*(//|#)",
                                                                   lines[first - 1]):
        first -= 1
    return " ".join(line.strip() for line in lines[first:last + 1]), first


def functions_of(lines):
    """(name, first line, number of lines) of each function, for clang-formatted code: a function ends at the brace with
    the indentation of its first statement."""
    functions = []
    end_of_last = -1
    for number, line in enumerate(lines):
        if number <= end_of_last or not line.endswith("{") or line.lstrip().startswith(("//", "#")):
            continue
        statement, first = statement_ending_at(lines, number)
        name = re.search(r"([\w:~]+|operator\s*\S+)\s*\(", statement)
        if not name or NOT_A_FUNCTION.match(statement):
            continue
        indent = re.match(r"\s*", lines[first]).group(0)
        for last in range(number + 1, len(lines)):
            if lines[last].startswith(indent + "}"):
                functions.append((name.group(1), first + 1, last - first + 1))
                end_of_last = last
                break
    return functions


def read_allow_list(root):
    """{"path" or "path:function": reason}"""
    path = root / ALLOW_LIST
    allowed = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip() and not line.startswith("#"):
                subject, _, reason = line.partition(" ")
                allowed[subject] = reason.strip()
    return allowed


def subjects_of(root, file):
    """(subject, kind, where, lines) of the file and of each of its functions."""
    lines = (root / file).read_text(encoding="utf-8").splitlines()
    yield str(file), kind_of(file), str(file), len(lines)
    if kind_of(file) != "test":
        for name, first, length in functions_of(lines):
            yield f"{file}:{name}", "function", f"{file}:{first}: {name}", length


def wing_subjects(root):
    """(subject, kind, where, lines) of each folder in engine/."""
    lines = {}
    for file in source_files(root):
        if file.parts[0] == "engine" and len(file.parts) > 2:
            wing = "/".join(file.parts[:2])
            lines[wing] = lines.get(wing, 0) + len((root / file).read_text(encoding="utf-8").splitlines())
    for wing, count in sorted(lines.items()):
        yield wing, "wing", wing, count


def check(root):
    allowed = read_allow_list(root)
    problems = [f"{ALLOW_LIST}: {subject}: give the reason" for subject in allowed if not allowed[subject]]
    needed = set()
    subjects = [subject for file in source_files(root) for subject in subjects_of(root, file)]
    for subject, kind, where, length in [*subjects, *wing_subjects(root)]:
        aim, limit = SIZES[kind]
        if length > limit and subject in allowed:
            needed.add(subject)
            print(f"allowed: {where}: {length} lines: {allowed[subject]}")
        elif length > limit:
            problems.append(f"{where}: {kind} of {length} lines, limit {limit}")
        elif length > aim:
            print(f"note: {where}: {kind} of {length} lines, aim {aim}")
    problems += [f"{ALLOW_LIST}: {subject}: no longer needed" for subject in sorted(set(allowed) - needed)]
    return problems


if __name__ == "__main__":
    run(check, __doc__.splitlines()[0])
