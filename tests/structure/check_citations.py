#!/usr/bin/env python3
"""Checks that everything that code, tests and documents cite exists.

  * "invariant 8", "invariants 4, 6 and 14": headings of docs/invariants.md.
  * "protocols: snapshot step 9", "protocols: open steps 3 to 13, prune step 1": steps of docs/protocols.md.
  * "docs/adr/0015", "docs/repair.md": files; `engine/engine.h`, links and anchors in Markdown.
  * `Suite.Name` and `Suite` (all) in the two pages: tests.
  * No document outside the repository: no paragraph sign, no "design" in front of an invariant.
"""

import bisect
import pathlib
import re
import sys

sys.dont_write_bytecode = True  # no __pycache__ in the source tree
from source_tree import LAYERS, run, source_files  # noqa: E402

INVARIANTS = "docs/invariants.md"
PROTOCOLS = "docs/protocols.md"
FOLDERS = LAYERS + ("tests", "docs", "cmake")
OWN_FOLDER = pathlib.Path("tests/structure")  # it contains samples of wrong citations

TEST = re.compile(r"\bTEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)")
# A citation may span two lines of a comment, also in a patch.
BREAK = re.compile(r"\s*\n[ +-]?\s*(?:(?://+|#+|\*)\s*)?")
NUMBERS = r"\d+(?:(?:, and |, | and | to )\d+)*"
INVARIANT = re.compile(rf"\b[Ii]nvariant (\d+)|\b[Ii]nvariants ({NUMBERS})")
STEP = rf"[a-z]+(?: [a-z]+)? steps? {NUMBERS}"
PROTOCOL = re.compile(rf"\b[Pp]rotocols: ({STEP}(?:, {STEP})*)")
UNREADABLE = re.compile(r"\b[Pp]rotocols: [a-z ]{1,20}")
OUTSIDE = re.compile(r"\b[Dd]esign invariants?\b|\bdesign\.md\b|§")
PAGE = re.compile(r"\bdocs/[\w./-]*\w")
SOURCE = re.compile(rf"`((?:{'|'.join(FOLDERS)})/[\w/.-]+\.(?:h|cc|py|proto|cmake))`")
LINK = re.compile(r"\]\(([^)\s:#]*)(?:#([^)\s]*))?\)")


def cited_files(root):
    """Text files that may cite, as paths relative to the root."""
    files = [path for path in root.glob("*") if path.is_file()]
    for folder in FOLDERS:
        files.extend(path for path in (root / folder).rglob("*") if path.is_file())
    return sorted(path.relative_to(root) for path in files)


def text_of(path):
    """The text of a file; None if it is not text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def numbers_of(text):
    """The numbers of "3", "4, 6 and 14" or "3 to 13"."""
    if " to " in text:
        first, last = (int(part) for part in text.split(" to ")[:2])
        return list(range(first, last + 1))
    return [int(part) for part in re.findall(r"\d+", text)]


def invariants_in(text):
    return [int(number) for number in re.findall(r"^## (\d+)\. ", text, re.MULTILINE)]


def steps_in(text):
    """{protocol: number of steps}: the first numbered list of each section."""
    steps = {}
    section = None
    for line in text.splitlines():
        if line.startswith("## "):
            section = line[3:].strip().lower()
            steps[section] = 0
        elif section and re.match(rf"{steps[section] + 1}\. ", line):
            steps[section] += 1
    return {name: count for name, count in steps.items() if count}


def anchors_in(text):
    """The anchors that GitHub gives to the headings."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


class Joined:
    """A text with its lines joined, and the line number of each place in it."""

    def __init__(self, text):
        self.text = ""
        self.starts = [0]  # of each line, in the joined text
        end = 0
        for match in BREAK.finditer(text):
            self.text += text[end:match.start()] + " "
            self.starts += [len(self.text)] * match.group(0).count("\n")
            end = match.end()
        self.text += text[end:]

    def line(self, place):
        return bisect.bisect_right(self.starts, place)


class Citations:
    def __init__(self, root):
        self.root = root
        invariants = text_of(root / INVARIANTS) if (root / INVARIANTS).exists() else ""
        self.invariants = invariants_in(invariants)
        protocols = text_of(root / PROTOCOLS) if (root / PROTOCOLS).exists() else ""
        self.steps = steps_in(protocols)
        self.problems = []
        if self.invariants != list(range(1, len(self.invariants) + 1)):
            self.problems.append(f"{INVARIANTS}: its headings are not numbered 1, 2, 3, …: {self.invariants}")

    def check_numbers(self, file, joined):
        def problem(match, message):
            self.problems.append(f"{file}:{joined.line(match.start())}: {message}")

        for match in INVARIANT.finditer(joined.text):
            for number in numbers_of(match.group(1) or match.group(2)):
                if number not in self.invariants:
                    problem(match, f"there is no invariant {number}")
        for match in PROTOCOL.finditer(joined.text):
            for part in re.findall(STEP, match.group(1)):
                name, numbers = re.split(r" steps? ", part)
                for number in numbers_of(numbers):
                    if number > self.steps.get(name, 0) or number == 0:
                        problem(match, f"{PROTOCOLS} has no {name} step {number}")
        for match in UNREADABLE.finditer(joined.text):
            if not PROTOCOL.match(joined.text, match.start()):
                problem(match, f'"{match.group(0)}": write "protocols: snapshot step 9"')

    def check_pages(self, file, joined):
        for match in OUTSIDE.finditer(joined.text):
            self.problems.append(f'{file}:{joined.line(match.start())}: "{match.group(0)}" cites a document '
                                 "outside the repository")
        for match in PAGE.finditer(joined.text):
            name = match.group(0)
            if not (self.root / name).exists() and not list(self.root.glob(name + "*")):
                self.problems.append(f"{file}:{joined.line(match.start())}: there is no {name}")

    def check_links(self, file, text):
        for name in SOURCE.findall(text):
            if not (self.root / name).exists():
                self.problems.append(f"{file}: there is no {name}")
        for target, anchor in LINK.findall(text):
            path = (self.root / file).parent / target if target else self.root / file
            if not path.exists():
                self.problems.append(f"{file}: the link {target} leads nowhere")
            elif anchor and path.suffix == ".md" and anchor not in anchors_in(text_of(path)):
                self.problems.append(f"{file}: the link {target}#{anchor} leads to no heading")

    def check_tests(self, tests):
        suites = {test.split(".")[0] for test in tests}
        for page in (INVARIANTS, PROTOCOLS):
            text = text_of(self.root / page) if (self.root / page).exists() else ""
            for suite, name in re.findall(r"`([A-Z]\w+)\.([A-Z]\w+)`", text):
                if f"{suite}.{name}" not in tests:
                    self.problems.append(f"{page}: there is no test {suite}.{name}")
            for suite in re.findall(r"`([A-Z]\w+)` \(all\)", text):
                if suite not in suites:
                    self.problems.append(f"{page}: there is no test suite {suite}")


def check(root):
    citations = Citations(root)
    for file in cited_files(root):
        text = text_of(root / file)
        if text is None or OWN_FOLDER in file.parents:
            continue
        joined = Joined(text)
        citations.check_numbers(file, joined)
        citations.check_pages(file, joined)
        if file.suffix == ".md":
            citations.check_links(file, text)
    tests = set()
    for file in source_files(root):
        if file.parts[0] == "tests":
            tests.update(f"{suite}.{name}" for suite, name in TEST.findall(text_of(root / file)))
    citations.check_tests(tests)
    return citations.problems


if __name__ == "__main__":
    run(check, __doc__.splitlines()[0])
