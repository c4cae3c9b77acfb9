#!/usr/bin/env python3
"""Checks comments, messages, documents and test names for phrases that docs/style.md replaces by plain ones."""

import re
import subprocess
import sys

sys.dont_write_bytecode = True  # no __pycache__ in the source tree
from source_tree import run  # noqa: E402

# (phrase, what to write instead). Whole words, any case.
PHRASES = (
    (r"anew", "again, from scratch"),
    (r"beside", "concurrently with, alongside, next to"),
    (r"(?:tell|tells|told|telling)", "report, log, return, warn, distinguish"),
    (r"(?:says|said|saying)", "reports, shows, names, documents"),
    (r"(?:go|goes|gone|went|going) on", "continue, resume"),
    (r"twice is fine", "idempotent"),
    (r"the same again", "repeat the call"),
    (r"will not open|won't open", "cannot be opened"),
    (r"that is none", "that is not a …"),
    (r"what (?:it|they) (?:was|were)", "the old …"),
    (r"(?:hold|holds|held|holding) (?:it |them |that |this )?against", "compare with, check against"),
    (r"lest", "so that … not"),
    (r"in vain", "without effect"),
    (r"noticed", "detected, observed"),
    (r"behind (?:the|a|an|its|it|them|what|that|this|each|every|every one|one|all)", "after, past, beyond"),
)
PATTERN = re.compile("|".join(rf"\b(?:{phrase})\b" for phrase, _ in PHRASES), re.IGNORECASE)
# Files that must quote the phrases.
EXEMPT = ("docs/style.md", "tests/structure/check_words.py", "tests/structure/structure_checks_test.py")
TEXT_FILES = (".h", ".cc", ".md", ".py", ".txt", ".cmake", ".proto", ".in", ".patch", ".bash")
WHOLE_FILES = (".md", ".txt", ".cmake", ".in", ".patch", ".bash")


def tracked_files(root):
    """Tracked files as paths relative to the root; all files where the tree is not a git checkout."""
    listed = subprocess.run(["git", "-C", str(root), "ls-files", "-co", "--exclude-standard"],
                            capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return sorted(listed.stdout.splitlines())
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def words_of(name):
    """ "what it was" for WhatItWas and what_it_was."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).replace("_", " ")


def prose_of(line, file):
    """The part of a line that people read: comments, strings, and the names of tests."""
    if file.endswith(WHOLE_FILES) or "." not in file.rsplit("/", 1)[-1]:
        return line
    comment = re.search(r"(?:(?<!:)//|#\s).*$", line) if not line.lstrip().startswith("#include") else None
    parts = [comment.group(0)] if comment else []
    parts += re.findall(r'"((?:[^"\\]|\\.)*)"', line[:comment.start()] if comment else line)
    test = re.match(r"\s*TEST(?:_F|_P)?\((\w+), (\w+)\)", line) or re.match(r"\s*def (test_\w+)\(", line)
    if test:
        parts += [words_of(name) for name in test.groups()]
    return " ".join(parts)


def instead_of(phrase):
    return next(better for pattern, better in PHRASES if re.fullmatch(pattern, phrase, re.IGNORECASE))


def check(root):
    problems = []
    for file in tracked_files(root):
        is_text = file.endswith(TEXT_FILES) or "." not in file.rsplit("/", 1)[-1]
        if not is_text or file in EXEMPT or file.startswith(("out/", "tests/fuzz/regressions/")):
            continue
        path = root / file
        if not path.is_file():
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
            for match in PATTERN.finditer(prose_of(line, file)):
                phrase = match.group(0)
                problems.append(f'{file}:{number}: "{phrase}": write {instead_of(phrase)}')
    return problems


if __name__ == "__main__":
    run(check, __doc__.splitlines()[0])
