#!/usr/bin/env python3
"""Feeds the structure checks small trees, with and without a violation."""

import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True  # no __pycache__ in the source tree
import check_citations  # noqa: E402
import check_damage_table  # noqa: E402
import check_folders  # noqa: E402
import check_includes  # noqa: E402
import check_sizes  # noqa: E402
import check_words  # noqa: E402


def problems_of(check, files):
    """The problems that `check` finds in a tree made of {path: text}."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        with contextlib.redirect_stdout(io.StringIO()):
            return check(root)


HEADER = "#pragma once\n"


class CheckIncludesTest(unittest.TestCase):
    def expect(self, files, *parts):
        problems = problems_of(check_includes.check, files)
        self.assertEqual(len(problems), len(parts), problems)
        for problem, part in zip(problems, parts):
            self.assertIn(part, problem)

    def test_accepts_arrows_that_point_down(self):
        self.expect({
            "base/status.h": HEADER,
            "wal/wal.h": HEADER + '#include "base/status.h"\n',
            "wal/wal.cc": '#include "wal/wal.h"\n\n#include <vector>\n\n#include "base/status.h"\n',
            "engine/engine.h": HEADER + '#include "wal/wal.h"\n',
            "tools/ctl/rawkv_ctl.cc": '#include <gflags/gflags.h>\n#include "engine/engine.h"\n',
        })

    def test_refuses_an_arrow_that_points_up(self):
        self.expect({"engine/engine.h": HEADER, "wal/wal.cc": '#include "engine/engine.h"\n'},
                    "wal/wal.cc:1: wal must not include engine")

    def test_refuses_an_arrow_between_the_middle_layers(self):
        self.expect({"blockdev/geometry.h": HEADER, "snapshot/a.cc": '#include "blockdev/geometry.h"\n'},
                    "snapshot must not include blockdev")

    def test_accepts_a_wing_that_includes_a_lower_one(self):
        self.expect({
            "engine/api/options.h": HEADER,
            "engine/store/store_file.h": HEADER + '#include "engine/api/options.h"\n',
            "engine/engine.h": HEADER + '#include "engine/store/store_file.h"\n',
        })

    def test_refuses_a_wing_that_includes_a_higher_one_or_a_neighbour(self):
        self.expect({"engine/store/a.h": HEADER, "engine/index/b.h": HEADER + '#include "engine/store/a.h"\n'},
                    "engine/index/b.h:2: index must not include store")
        self.expect({"engine/read/a.h": HEADER, "engine/live/b.h": HEADER + '#include "engine/read/a.h"\n'},
                    "live must not include read")
        self.expect({"engine/engine.h": HEADER, "engine/store/a.h": HEADER + '#include "engine/engine.h"\n'},
                    "store must not include the engine itself")

    def test_refuses_a_wing_without_a_floor(self):
        self.expect({"engine/attic/a.h": HEADER, "engine/attic/a.cc": '#include "engine/attic/a.h"\n'},
                    "engine/attic has no floor")

    def test_refuses_third_party_headers_outside_their_wrappers(self):
        self.expect({"engine/engine.cc": "#include <rocksdb/db.h>\n"}, "rocksdb/db.h")
        self.expect({"engine/index/key_index.h": HEADER + "#include <rocksdb/db.h>\n"}, "rocksdb/db.h")
        self.expect({"engine/index/key_index.cc": "#include <rocksdb/db.h>\n"})
        self.expect({"wal/wal.cc": '#include "wal/changelog.pb.h"\n'}, "changelog.pb.h")
        self.expect({"wal/change_set.cc": '#include "wal/changelog.pb.h"\n'})
        self.expect({"blockdev/posix_block_device.cc": "#include <liburing.h>\n"}, "liburing.h")
        self.expect({"engine/engine.cc": "#include <gflags/gflags.h>\n"}, "gflags")
        self.expect({"base/status.cc": "#include <gtest/gtest.h>\n"}, "gtest")

    def test_exempts_tests_from_the_layers(self):
        self.expect({
            "engine/engine.h": HEADER,
            "tests/wal/wal_test.cc": '#include <gtest/gtest.h>\n#include <rocksdb/db.h>\n'
                                     '#include "engine/engine.h"\n',
        })

    def test_refuses_a_dependency_on_tests(self):
        self.expect({"tests/support/fake.h": HEADER, "wal/wal.cc": '#include "tests/support/fake.h"\n'},
                    "only tests may include tests")

    def test_refuses_a_path_that_is_not_from_the_root(self):
        self.expect({"base/status.h": HEADER, "base/result.h": HEADER + '#include "status.h"\n'},
                    '"status.h" is not a path from the root')

    def test_accepts_generated_headers(self):
        self.expect({"base/version_info.h.in": "", "base/a.cc": '#include "base/version_info.h"\n'})

    def test_requires_the_own_header_first(self):
        self.expect({"base/a.h": HEADER, "base/a.cc": '#include <vector>\n#include "base/a.h"\n'},
                    "must be the first include")

    def test_requires_pragma_once(self):
        self.expect({"base/a.h": "int a();\n"}, "no #pragma once")


def function(lines, head="void F() {"):
    """A function that is `lines` long."""
    return head + "\n" + "  Call();\n" * (lines - 2) + "}\n"


class CheckFoldersTest(unittest.TestCase):
    def test_requires_a_readme_in_each_folder_with_sources(self):
        self.assertEqual(problems_of(check_folders.check, {"base/a.h": HEADER, "base/README.md": "# base\n"}), [])
        self.assertEqual(problems_of(check_folders.check, {"engine/api/a.h": HEADER}),
                         ["engine/api: no README.md"])


class CheckWordsTest(unittest.TestCase):
    def problems(self, files):
        return problems_of(check_words.check, files)

    def test_finds_phrases_in_comments_messages_documents_and_test_names(self):
        for file, line in (("wal/a.cc", "int a;  // written anew\n"),
                           ("wal/a.cc", 'Fail("the log is written anew");\n'),
                           ("docs/a.md", "It is written anew.\n"),
                           ("tests/wal/a_test.cc", "TEST(Wal, LogIsWrittenAnew) {\n"),
                           ("tools/run-tests", "echo written anew\n")):
            with self.subTest(file=file, line=line):
                self.assertEqual(self.problems({file: line}),
                                 [f'{file}:1: "{"Anew" if "TEST" in line else "anew"}": '
                                  "write again, from scratch"])

    def test_leaves_code_alone(self):
        self.assertEqual(self.problems({"wal/a.cc": "const bool told = Tells(beside);\n"}), [])


class CheckSizesTest(unittest.TestCase):
    def expect(self, files, *parts):
        problems = problems_of(check_sizes.check, files)
        self.assertEqual(len(problems), len(parts), problems)
        for problem, part in zip(problems, parts):
            self.assertIn(part, problem)

    def test_limits_files_by_kind(self):
        self.expect({"base/a.h": "//\n" * 220, "base/a.cc": "//\n" * 450, "tests/a_test.cc": "//\n" * 700})
        self.expect({"base/a.h": "//\n" * 221, "base/b.cc": "//\n" * 451, "tests/a_test.cc": "//\n" * 701},
                    "base/a.h: header of 221", "base/b.cc: source of 451", "test of 701")

    def test_limits_wings(self):
        parts = {f"engine/store/{i}.cc": "//\n" * 400 for i in range(5)}
        self.expect({**parts, "engine/store/last.cc": "//\n" * 300})
        self.expect({**parts, "engine/store/last.cc": "//\n" * 301}, "engine/store: wing of 2301 lines")

    def test_limits_functions(self):
        self.expect({"base/a.cc": function(80)})
        self.expect({"base/a.cc": function(81)}, "base/a.cc:1: F: function of 81")

    def test_finds_functions_of_all_shapes(self):
        self.expect({"base/a.cc": function(81, "Result<int> Engine::Run(const std::string& a,\n"
                                               "                        int b) const {")},
                    "base/a.cc:1: Engine::Run: function of 82")
        self.expect({"base/a.cc": function(81, "Wal::Wal(Fs& fs)\n    : fs_(fs),\n      next_(1) {")},
                    "base/a.cc:1: Wal::Wal: function of 83")
        body = "".join("  " + line + "\n" for line in function(81, "int Size() const {").splitlines())
        self.expect({"base/a.h": HEADER + "class A {\n public:\n" + body + "};\n"}, "a.h:4: Size: function")

    def test_ignores_classes_and_namespaces(self):
        inner = function(60) * 2
        self.expect({"base/a.cc": "namespace rawkv {\nnamespace {\n" + inner + "}\n}\n"})
        self.expect({"base/a.h": HEADER + "class __attribute__((x)) A {\n" + "  int a;\n" * 100 + "};\n"})

    def test_ignores_test_bodies(self):
        self.expect({"tests/a_test.cc": function(120, "TEST(A, B) {")})

    def test_allows_listed_sizes_with_a_reason(self):
        big = {"base/a.cc": function(81)}
        self.expect(big | {check_sizes.ALLOW_LIST: "# comment\nbase/a.cc:F one table of steps\n"})
        self.expect(big | {check_sizes.ALLOW_LIST: "base/a.cc:F\n"}, "give the reason")

    def test_refuses_an_allowance_that_is_no_longer_needed(self):
        self.expect({"base/a.cc": function(10), check_sizes.ALLOW_LIST: "base/a.cc:F one table of steps\n"},
                    "base/a.cc:F: no longer needed")


class CheckDamageTableTest(unittest.TestCase):
    HEAD = "| damage | shown by |\n| --- | --- |\n"

    def problems(self, rows):
        return problems_of(check_damage_table.check, {
            "docs/repair.md": "| a | b |\n| - | - |\n| other | `Nothing.Here` |\n\n" + rows,
            "tests/crash/damage_rows.cc": '      {"LogMissing",\n',
            "tests/crash/repair_test.cc": "TEST_F(RepairCase, PinOfALostVersionIsRemovedWithConsent) {\n}\nTEST(Throttle, Keeps) {\n}\n",
        })

    def test_accepts_rows_whose_tests_exist(self):
        self.assertEqual(self.problems(
            self.HEAD + "| a log | `LogMissing`, `RepairCase.PinOfALostVersionIsRemovedWithConsent` |\n"
                        "| speed | `Throttle.Keeps` in `tests/crash/repair_test.cc` |\n"), [])

    def test_refuses_names_of_missing_tests(self):
        self.assertEqual(self.problems(self.HEAD + "| a log | `LogGone`, `RepairCase.LogMissing` |\n"),
                         ["docs/repair.md:7: there is no test LogGone",
                          "docs/repair.md:7: there is no test RepairCase.LogMissing"])

    def test_refuses_a_row_without_a_test_and_a_page_without_the_table(self):
        self.assertEqual(self.problems(self.HEAD + "| a log | some day |\n"),
                         ['docs/repair.md:7: no test shows "a log"'])
        self.assertEqual(self.problems(""), ['docs/repair.md: no table with a column "shown by"'])


class CheckCitationsTest(unittest.TestCase):
    PAGES = {
        "docs/invariants.md": "# Invariants\n\n## 1. Acknowledged means durable\n\n## 2. Nothing goes\n",
        "docs/protocols.md": "# Protocols\n\n1. no step of anything\n\n## Open\n\n1. Read.\n2. Replay,\n"
                             "   as in 7. above.\n3. Ready.\n\n| 4. | a table |\n\n## Index flush\n\n1. Freeze.\n",
    }

    def problems(self, files):
        return problems_of(check_citations.check, self.PAGES | files)

    def expect(self, text, *parts):
        problems = self.problems({"wal/a.cc": text})
        self.assertEqual(len(problems), len(parts), problems)
        for problem, part in zip(problems, parts):
            self.assertIn(part, problem)

    def test_accepts_existing_citations(self):
        self.expect("// Keeps invariant 2; see invariants 1 and 2.\n"
                    "// protocols: open step 3. Also (protocols: open steps 1 to 3, index flush step 1).\n")

    def test_refuses_a_missing_invariant(self):
        self.expect("//\n// Keeps invariant 3.\n", "wal/a.cc:2: there is no invariant 3")
        self.expect("// (invariants 1, 2 and 9)\n", "there is no invariant 9")
        self.expect("// Invariant 0: nothing.\n", "there is no invariant 0")

    def test_finds_citations_over_two_lines(self):
        self.expect("// As (invariants 1\n// and 4) say, and protocols: open\n  // step 4.\n", "no invariant 4",
                    "wal/a.cc:2: docs/protocols.md has no open step 4")
        patch = "-// of (invariant\n-// 7)\n+// of (invariant\n+// 2)\n"
        problems = self.problems({"tests/mutants/a.patch": patch})
        self.assertEqual(problems, ["tests/mutants/a.patch:1: there is no invariant 7"])

    def test_refuses_a_missing_step(self):
        self.expect("// protocols: open step 4\n", "no open step 4")
        self.expect("// protocols: open steps 2 to 5\n", "no open step 4", "no open step 5")
        self.expect("// protocols: index flush step 2, open step 1\n", "no index flush step 2")
        self.expect("// protocols: closing step 1\n", "no closing step 1")

    def test_refuses_a_protocol_without_a_step(self):
        self.expect("// (protocols: open)\n", "write")

    def test_refuses_documents_outside_the_repository(self):
        self.expect("// (design invariant 1)\n", '"design invariant"')
        self.expect("// (design\n// invariants 1 and 2)\n", '"design invariants"')
        self.expect("// \u00a74 Open\n", "outside the repository")
        self.expect("// as design.md says\n", "outside the repository")

    def test_refuses_missing_pages_and_link_targets(self):
        self.expect("// docs/adr/0001 and docs/repair.md\n",
                    "there is no docs/adr/0001", "there is no docs/repair.md")
        links = "[a](docs/repair.md#damage-and-repair) [b](https://x.org/#y)\n"
        self.assertEqual(self.problems({"docs/adr/0001-why.md": "", "docs/repair.md": "# Damage and `repair`\n",
                                        "wal/a.cc": "// docs/adr/0001, docs/repair.md.\n", "README.md": links}), [])
        self.assertEqual(self.problems({"docs/a.md": "[a](b.md) [b](invariants.md#none) [c](#here)\n## Here\n"}),
                         ["docs/a.md: the link b.md leads nowhere",
                          "docs/a.md: the link invariants.md#none leads to no heading"])

    def test_refuses_source_files_that_are_not_there(self):
        self.assertEqual(self.problems({"wal/a.h": HEADER, "docs/a.md": "`wal/a.h`, `wal/b.cc`\n"}),
                         ["docs/a.md: there is no wal/b.cc"])

    def test_refuses_tests_that_are_not_there(self):
        page = self.PAGES["docs/invariants.md"] + "`Wal.Opens`, `Wal` (all), `Wal.Closes`, `Log` (all)\n"
        test = "TEST(Wal, Opens) {\n}\n"
        self.assertEqual(self.problems({"docs/invariants.md": page, "tests/wal/a_test.cc": test}),
                         ["docs/invariants.md: there is no test Wal.Closes",
                          "docs/invariants.md: there is no test suite Log"])

    def test_refuses_headings_out_of_order(self):
        self.assertEqual(len(self.problems({"docs/invariants.md": "## 1. a\n\n## 3. b\n"})), 1)


if __name__ == "__main__":
    unittest.main()
