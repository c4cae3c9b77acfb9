#!/usr/bin/env python3
"""Checks that every folder with sources has a README.md."""

import sys

sys.dont_write_bytecode = True  # no __pycache__ in the source tree
from source_tree import run, source_files  # noqa: E402


def check(root):
    folders = sorted({file.parent for file in source_files(root)})
    return [f"{folder}: no README.md" for folder in folders if not (root / folder / "README.md").is_file()]


if __name__ == "__main__":
    run(check, __doc__.splitlines()[0])
