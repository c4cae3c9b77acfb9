"""Shared by the structure checks: the list of source files, and the printing of problems."""

import argparse
import pathlib
import sys

LAYERS = ("base", "blockdev", "wal", "snapshot", "engine", "report", "bindings", "tools")


def source_files(root):
    """Our .h and .cc files as paths relative to the root, sorted."""
    files = []
    for folder in LAYERS + ("tests",):
        for suffix in ("*.h", "*.cc"):
            files.extend(path.relative_to(root) for path in (root / folder).rglob(suffix))
    return sorted(files)


def run(check, description):
    """Calls check(root) and prints the problems that it returns. The exit status is 1 if there are any."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("root", type=pathlib.Path, help="root of the source tree")
    root = parser.parse_args().root
    problems = check(root)
    for problem in problems:
        print(problem)
    print(f"{len(source_files(root))} files, {len(problems)} problems")
    sys.exit(1 if problems else 0)
