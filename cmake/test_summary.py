#!/usr/bin/env python3
"""Sums the results of test stages: test_summary.py STAGE=BUILD_DIR...

Reads BUILD_DIR/junit.xml (CTest: one case per program) and BUILD_DIR/gtest/*.xml (GoogleTest and pytest: one case per
test). For a program with such a file it counts the tests. A program that fails without a failed test (crash,
time-out, sanitizer report) counts as one more failure. Lists failures and skips with their
reasons, then prints `N passed, N failed, N skipped` as the last line. Exit status 1 if anything failed,
or if nothing ran.
"""

import collections
import pathlib
import sys
import xml.etree.ElementTree as ElementTree

Case = collections.namedtuple("Case", "name outcome reason")  # outcome: passed, failed, skipped


def ctest_case(element):
    name, status = element.get("name"), element.get("status")
    skipped = element.find("skipped")
    message = (skipped.get("message") if skipped is not None else "") or ""
    if status == "run":
        return Case(name, "passed", "")
    if status == "disabled" or message.startswith("SKIP_"):
        return Case(name, "skipped", skip_reason(element) or message or "disabled")
    # CTest also counts "notrun" for any other cause (program or file missing) as failed.
    return Case(name, "failed", message or "see CTest's output above")


def skip_reason(element):
    """The reason of a test that skips itself (exit status 77): it prints a line `SKIP: reason`."""
    for line in (element.findtext("system-out") or "").splitlines():
        if line.startswith("SKIP: "):
            return line[len("SKIP: "):]
    return ""


def gtest_case(element):
    name = f"{element.get('classname')}.{element.get('name')}"
    failure = element.find("failure")
    if failure is None:
        failure = element.find("error")  # pytest: a fixture failed
    if failure is not None:
        message = failure.get("message") or ""
        return Case(name, "failed", " ".join(message.split())[:300])
    skipped = element.find("skipped")
    if element.get("result") == "skipped" or skipped is not None:
        message = (skipped.get("message") if skipped is not None else "") or ""
        lines = [line for line in message.splitlines() if line.strip()]
        return Case(name, "skipped", lines[-1] if lines else "no reason given")
    if element.get("status") == "notrun":
        return Case(name, "skipped", "disabled")
    return Case(name, "passed", "")


def program_cases(case, gtest_file):
    """The cases of the tests in a program, or CTest's own case if there are none."""
    if case.outcome == "skipped" or not gtest_file.exists():
        return [case]
    try:
        inner = [gtest_case(element) for element in ElementTree.parse(gtest_file).iter("testcase")]
    except ElementTree.ParseError:
        return [case._replace(outcome="failed", reason=f"unreadable {gtest_file}")]
    inner = [one._replace(name=f"{case.name}: {one.name}") for one in inner]
    if case.outcome == "failed" and not any(one.outcome == "failed" for one in inner):
        inner.append(case)
    return inner or [case]


def stage_cases(build_dir):
    junit = build_dir / "junit.xml"
    try:
        elements = list(ElementTree.parse(junit).iter("testcase"))
    except (OSError, ElementTree.ParseError) as error:
        return [Case("the stage", "failed", f"no test results: {error}")]
    if not elements:
        return [Case("the stage", "failed", f"no test ran: {junit}")]
    cases = []
    for element in elements:
        case = ctest_case(element)
        cases += program_cases(case, build_dir / "gtest" / f"{case.name}.xml")
    return cases


def count(cases):
    outcomes = collections.Counter(case.outcome for case in cases)
    return f"{outcomes['passed']} passed, {outcomes['failed']} failed, {outcomes['skipped']} skipped"


def main(arguments):
    if not arguments or not all("=" in argument for argument in arguments):
        sys.exit(__doc__)
    everything = []
    for argument in arguments:
        stage, _, build_dir = argument.partition("=")
        cases = stage_cases(pathlib.Path(build_dir))
        everything += cases
        print(f"{stage}: {count(cases)}")
        for outcome in ("failed", "skipped"):
            for case in (case for case in cases if case.outcome == outcome):
                print(f"  {outcome}: {case.name}" + (f": {case.reason}" if case.reason else ""))
    print(count(everything))
    return 1 if any(case.outcome == "failed" for case in everything) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
