#!/usr/bin/env python3
"""Feeds cmake/test_summary.py results as CTest 3.25 and GoogleTest 1.12 write them."""

import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True  # no __pycache__ in the source tree
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "cmake"))
import test_summary  # noqa: E402


def ctest(*cases):
    return "<testsuite>" + "".join(cases) + "</testsuite>"


def ran(name):
    return f'<testcase name="{name}" status="run"><system-out/></testcase>'


def failed(name):
    return f'<testcase name="{name}" status="fail"><failure message=""/><system-out/></testcase>'


def not_run(name, message, output=""):
    return (f'<testcase name="{name}" status="notrun"><skipped message="{message}"/>'
            f"<system-out>{output}</system-out></testcase>")


def gtest(*cases):
    return "<testsuites><testsuite>" + "".join(cases) + "</testsuite></testsuites>"


PASSED = '<testcase classname="A" name="Passes" status="run" result="completed"/>'
FAILED = '<testcase classname="A" name="Fails" status="run"><failure message="a.cc:6&#x0A;why"/></testcase>'
SKIPPED = ('<testcase classname="A" name="Skips" status="run" result="skipped">'
           '<skipped message="a.cc:3&#x0A;no device"/></testcase>')
DISABLED = '<testcase classname="A" name="Off" status="notrun" result="suppressed"/>'


class TestSummaryTest(unittest.TestCase):
    def summary(self, *stages):
        """(exit status, output lines) for stages of {file: text}."""
        with tempfile.TemporaryDirectory() as folder:
            arguments = []
            for index, files in enumerate(stages):
                root = pathlib.Path(folder) / str(index)
                (root / "gtest").mkdir(parents=True)
                for name, text in files.items():
                    (root / name).write_text(text, encoding="utf-8")
                arguments.append(f"stage{index}={root}")
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                status = test_summary.main(arguments)
            return status, output.getvalue().splitlines()

    def test_counts_tests_not_programs(self):
        status, lines = self.summary({"junit.xml": ctest(ran("a_test")),
                                      "gtest/a_test.xml": gtest(PASSED, PASSED, SKIPPED, DISABLED)})
        self.assertEqual((status, lines[-1]), (0, "2 passed, 0 failed, 2 skipped"))
        self.assertIn("  skipped: a_test: A.Skips: no device", lines)
        self.assertIn("  skipped: a_test: A.Off: disabled", lines)

    def test_sums_stages(self):
        status, lines = self.summary({"junit.xml": ctest(ran("a"))}, {"junit.xml": ctest(ran("a"), ran("b"))})
        self.assertEqual((status, lines), (0, ["stage0: 1 passed, 0 failed, 0 skipped",
                                               "stage1: 2 passed, 0 failed, 0 skipped",
                                               "3 passed, 0 failed, 0 skipped"]))

    def test_a_failed_test_is_counted_once(self):
        status, lines = self.summary({"junit.xml": ctest(failed("a_test")),
                                      "gtest/a_test.xml": gtest(PASSED, FAILED)})
        self.assertEqual((status, lines[-1]), (1, "1 passed, 1 failed, 0 skipped"))
        self.assertIn("  failed: a_test: A.Fails: a.cc:6 why", lines)

    def test_an_error_in_a_fixture_of_pytest_is_a_failure(self):
        error = '<testcase classname="test_a" name="test_b"><error message="failed on setup">text</error></testcase>'
        passed = '<testcase classname="test_a" name="test_c" time="0.1"/>'
        status, lines = self.summary({"junit.xml": ctest(failed("python_test")),
                                      "gtest/python_test.xml": gtest(passed, error)})
        self.assertEqual((status, lines[-1]), (1, "1 passed, 1 failed, 0 skipped"))
        self.assertIn("  failed: python_test: test_a.test_b: failed on setup", lines)

    def test_a_program_that_fails_after_its_tests_is_a_failure(self):
        status, lines = self.summary({"junit.xml": ctest(failed("a_test")),
                                      "gtest/a_test.xml": gtest(PASSED)})
        self.assertEqual((status, lines[-1]), (1, "1 passed, 1 failed, 0 skipped"))

    def test_a_program_that_crashes_is_a_failure(self):
        status, lines = self.summary({"junit.xml": ctest(failed("a_test"))})
        self.assertEqual((status, lines[-1]), (1, "0 passed, 1 failed, 0 skipped"))

    def test_a_missing_program_is_a_failure_and_no_skip(self):
        status, lines = self.summary({"junit.xml": ctest(not_run("a", "Unable to find executable"),
                                                         not_run("b", "Required Files Missing"))})
        self.assertEqual((status, lines[-1]), (1, "0 passed, 2 failed, 0 skipped"))

    def test_reports_the_reason_of_a_skipped_script(self):
        status, lines = self.summary({"junit.xml": ctest(not_run("a", "SKIP_RETURN_CODE=77",
                                                                 "SKIP: no clang-format\n"))})
        self.assertEqual((status, lines[-1]), (0, "0 passed, 0 failed, 1 skipped"))
        self.assertIn("  skipped: a: no clang-format", lines)

    def test_a_stage_without_results_is_a_failure(self):
        self.assertEqual(self.summary({})[1][-1], "0 passed, 1 failed, 0 skipped")
        self.assertEqual(self.summary({"junit.xml": ctest()})[1][-1], "0 passed, 1 failed, 0 skipped")


if __name__ == "__main__":
    unittest.main()
