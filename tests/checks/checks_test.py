#!/usr/bin/env python3
"""The checks themselves: each must find what it is for, and nothing in a tree that is right."""
import pathlib
import tempfile
import unittest

import columns
import comments
import examples
import fields
import handbook
import layering
import namespaces
import paths
import readmes
import size_table
import structure
import tidy
import wording

GOOD = {
    "common/CMakeLists.txt": "lodestone_library(common SOURCES error.cpp)",
    "common/error.h": "#include <string>\n",
    "sampler/CMakeLists.txt": "lodestone_library(sampler SOURCES a.cpp PUBLIC lodestone_common)",
    "sampler/a.h": '#include "common/error.h"\n',
    "distributed/CMakeLists.txt": "lodestone_library(distributed SOURCES g.cpp PRIVATE lodestone::common)",
    "distributed/g.h": "",
    "distributed/g.cpp": '#include "distributed/g.h"\n#include "common/error.h"\n#include '
        '<torch/csrc/distributed/c10d/Store.hpp>\n',
    "trainer/losses/CMakeLists.txt": "lodestone_library(losses SOURCES l.cpp PUBLIC lodestone_common)",
    "trainer/losses/l.cpp": '// #include "distributed/g.h"\n#include "common/error.h"\n',
    "tests/losses/l_test.cpp": '#include "trainer/losses/l.cpp"\n#include "distributed/g.h"\n',
}


class Checks(unittest.TestCase):
    def tree(self, changes):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for name, text in {**GOOD, **changes}.items():
            path = pathlib.Path(folder.name, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return pathlib.Path(folder.name)

    def assert_layering(self, changes, expected):
        found = layering.problems(self.tree(changes))
        self.assertEqual(len(found), 1, found)
        self.assertIn(expected, found[0])

    def test_a_right_tree_passes(self):
        self.assertEqual(layering.problems(self.tree({})), [])
        self.assertEqual(wording.problems(self.tree({})), [])
        self.assertEqual(comments.problems(self.tree({})), [])
        self.assertEqual(fields.problems(self.tree({})), [])

    def test_fields_finds_descriptions_by_position(self):
        for code in ('f.field({"x", "how far", "", 0.0}, &x);', 'f.choice(\n      {"x", ""}, &x, kWays);',
                     'f.slot({ "x" }, x);',
                     '///       f.group({"x", ""}, members);', 'FieldInfo{"x"}',
                     'const FieldInfo x = {"x", "how far"};'):
            found = fields.problems(self.tree({"common/error.cpp": f"// first\n{code}\n"}))
            self.assertEqual(len(found), 1, code)
            self.assertIn('common/error.cpp:2: the field "x" is described by position', found[0])
        named = ('f.field({.name = "x", .doc = "{\\"a\\"}", .choices = {"a"}}, &x);\nf.choice({.name = "y"}, '
                 '&y, {{"a", Way::kA}});\n')
        self.assertEqual(fields.problems(self.tree({"common/error.cpp": named})), [])

    def test_namespaces_finds_a_folder_in_another_ones(self):
        right = {"trainer/losses/l.cpp": "namespace lodestone::losses {\nnamespace lodestone::losses::inner "
                 "{\n"}
        self.assertEqual(namespaces.problems(self.tree(right)), [])
        found = namespaces.problems(self.tree({"sampler/a.h": "namespace lodestone {\n"}))
        self.assertEqual(found, ["sampler/a.h: expected namespace lodestone::sampler, got lodestone"])

    def test_tidy_reads_a_header_through_a_source(self):
        sources = {"tests/checks/none.cpp": {}, "trainer/losses/infonce.cpp": {}}
        self.assertEqual(tidy.sources_of(["trainer/losses/softmax_pairs.h"], sources),
                         ["trainer/losses/infonce.cpp"])
        self.assertEqual(tidy.sources_of(["trainer/losses/infonce.cpp"], sources),
                         ["trainer/losses/infonce.cpp"])
        self.assertEqual(tidy.sources_of(["trainer/losses/gone.cpp"], sources), [])

    def test_tidy_leaves_no_folder_out(self):
        self.assertEqual(tidy.spread(["a/1.cpp", "a/2.cpp", "a/3.cpp", "b/4.cpp", "c/5.cpp"], 4),
                         ["a/1.cpp", "a/2.cpp", "b/4.cpp", "c/5.cpp"])
        self.assertEqual(tidy.spread(["a/1.cpp", "a/2.cpp"], 4), ["a/1.cpp", "a/2.cpp"])

    def test_layering_finds_an_upward_include(self):
        self.assert_layering({"common/error.cpp": '#include "sampler/a.h"\n'}, "common must not use sampler")

    def test_layering_finds_a_loss_that_knows_ranks(self):
        self.assert_layering({"trainer/losses/l.cpp": '#include "distributed/g.h"\n'},
                             "trainer/losses must not use distributed")

    def test_layering_finds_yaml_in_a_loss(self):
        self.assert_layering({"common/yaml.h": "", "trainer/losses/l.cpp": '#include "common/yaml.h"\n'},
                             "knows no YAML")

    def test_layering_finds_an_upward_link(self):
        self.assert_layering({"sampler/CMakeLists.txt": "lodestone_library(sampler PUBLIC lodestone_common "
                              "lodestone_distributed)"},
                             "sampler must not link distributed")

    def test_layering_finds_a_header_that_needs_a_public_link(self):
        self.assert_layering({"distributed/g.h": '#include "common/error.h"\n'},
                             "it needs it as PUBLIC (a header")

    def test_layering_finds_a_missing_link(self):
        self.assert_layering({"trainer/losses/CMakeLists.txt": "lodestone_library(losses SOURCES l.cpp)"},
                             "does not lead to common")

    def test_layering_follows_public_links_only(self):
        changes = {"trainer/negatives/CMakeLists.txt": "lodestone_library(negatives PUBLIC "
                   "lodestone_distributed)",
                   "trainer/negatives/n.cpp": '#include "common/error.h"\n'}
        self.assert_layering(changes, "trainer/negatives does not lead to common")

    def test_layering_finds_c10d_outside_distributed(self):
        self.assert_layering({"sampler/a.cpp": "#include <torch/csrc/distributed/c10d/Store.hpp>\n"},
                             "belongs in distributed/")

    def test_layering_finds_a_product_file_that_includes_a_test(self):
        self.assert_layering({"sampler/a.cpp": '#include "tests/losses/l_test.cpp"\n'},
                             "sampler must not use tests")

    def test_layering_finds_a_loop_that_would_be_serial(self):
        self.assert_layering({"sampler/a.cpp": "void f() { at::parallel_for(0, 9, 1, g); }\n"},
                             "call parallel_ranges")

    def test_layering_finds_a_second_writer_of_json(self):
        self.assert_layering({"sampler/a.cpp": "auto text = json.dump(2);\n"}, "call json_text")
        self.assertEqual(
            layering.problems(self.tree({"common/json_text.cpp": "value.dump(2);\n",
                                         "sampler/a.cpp": "// json.dump()\n",
                                         "tests/losses/l_test.cpp": "json.dump();\n"})), [])

    def test_layering_finds_an_unknown_folder(self):
        self.assert_layering({"trainer/extras/e.h": ""}, "has no place in the design")

    def test_layering_finds_rooms_in_a_circle(self):
        changes = {"sampler/texts/t.cpp": '#include "sampler/sources/s.h"\n', "sampler/texts/u.h": "",
                   "sampler/sources/s.h": '#include "sampler/a.h"\n',
                   "sampler/sources/v.cpp": '#include "sampler/texts/u.h"\n'}
        self.assert_layering(changes, 'sampler: its rooms include each other in a circle: '
                             'sampler/sources/v.cpp includes '
                                      '"sampler/texts/u.h", sampler/texts/t.cpp includes '
                             '"sampler/sources/s.h"')
        through_a_file = {"sampler/texts/t.h": '#include "sampler/b.h"\n',
                          "sampler/b.cpp": '#include "sampler/texts/t.h"\n',
                          "sampler/b.h": ""}
        self.assert_layering(through_a_file, "in a circle")

    def test_layering_lets_files_beside_the_rooms_be_base_and_face(self):
        changes = {"sampler/texts/t.h": '#include "sampler/a.h"\n',
                   "sampler/face.h": '#include "sampler/texts/t.h"\n',
                   "sampler/c.cpp": '#include "sampler/d.h"\n', "sampler/d.cpp": '#include "sampler/c.h"\n',
                   "sampler/c.h": "", "sampler/d.h": ""}
        self.assertEqual(layering.problems(self.tree(changes)), [])

    def test_functions_are_measured(self):
        text = """namespace a { struct S {
  S(int x) : x_{x}, y_(f({1, 2})) {
    call("}{ // no brace", '{');
  }
  int get(int d = {}) const { return d; }  // }
  std::vector<int> v = {1,
    2};
  enum class E { kA, kB };
};
template <typename T> auto f(T t) -> decltype(t) {
  if (t) { g(); }
  auto lambda = [&] { h(R"x(})x"); };
  return t;
}
const Row kTable[] = {
  {make(1)}, {make(2)},
};
}"""
        self.assertEqual(size_table.functions(text), [(2, 3), (5, 1), (10, 5)])

    def test_percentile_is_the_nearest_rank(self):
        self.assertEqual([size_table.percentile(range(1, 101), p) for p in (50, 95, 100)], [50, 95, 100])
        self.assertEqual(size_table.percentile([7], 95), 7)
        self.assertEqual(size_table.percentile([], 95), 0)

    def test_structure_counts_includes_between_folders(self):
        root = self.tree({
            "sampler/texts/b.h": '#include "sampler/a.h"\n#include "common/error.h"\n#include <vector>\n',
            "sampler/a.cpp": '#include "sampler/a.h"\n#include "sampler/texts/b.h"\n// #include '
                          '"common/error.h"\n'})
        self.assertEqual(structure.arrows(root, 1), {("sampler", "common"): 2, ("distributed", "common"): 1,
                                                     ("trainer", "common"): 1})
        self.assertEqual(structure.arrows(root, 2),
                         {("sampler", "common"): 1, ("sampler", "sampler/texts"): 1,
                          ("sampler/texts", "sampler"): 1, ("sampler/texts", "common"): 1,
                          ("distributed", "common"): 1, ("trainer/losses", "common"): 1})
        self.assertEqual(structure.circle(structure.arrows(root, 1)), [])
        self.assertEqual(structure.circle(structure.arrows(root, 2)), ["sampler", "sampler/texts"])
        self.assertIn("  sampler -> common: 2", structure.report(root))
        self.assertEqual(structure.report(root)[0], "8 files, 15 lines; lines of each: median 2, p95 3, max "
                         "3")

    def test_wording_finds_notes_and_private_paths(self):
        tree = self.tree({"common/note.cpp": "int a;  // TO" + "DO: later\n",
                          "docs/a.md": "see /ho" + "me/someone/x\n",
                          "docs/b.md": "mktemp XXXXXX, ${HOME}/x, fonts-hack\n"})
        found = wording.problems(tree)
        self.assertEqual([line.split(": ")[0] for line in found], ["common/note.cpp:1", "docs/a.md:1"])

    def test_wording_finds_the_private_dialect(self):
        tree = self.tree({"common/a.cpp": 'a;  // made anew\nthrow Error("expected a picture, got none");\n'
                          'key("pictures");\n',
                          "configs/a.yaml": "a: {pictures: 3}  # by `judge`\npictures: 3\nsummary: Judged on "
                          "others.\n",
                          "docs/a.md": "The likest, by `judge`.\n"})
        self.assertEqual([line.split(";")[0] for line in wording.problems(tree)],
                         ["common/a.cpp:1: 'anew'", "common/a.cpp:2: 'picture'", "configs/a.yaml:3: 'Judged'",
                          "docs/a.md:1: 'likest'"])

    def test_wording_finds_the_first_and_the_last_word(self):
        tree = self.tree({"common/a.cpp": 'Error("refs beyond the batch");\nError("of the refs");\n'
                          'key("refs");  // it meets refs.cpp, `refs`\n',
                          "sampler/README.md": "It is made anew.\nIt goes on. What is told?\n",
                          "docs/style.md": "anew\n",
                          "tests/a_test.cpp": 'f("a picture of");  // A life.\nR"({"likeness": "l2"})";\n'})
        self.assertEqual([line.split(";")[0] for line in wording.problems(tree)],
                         ["common/a.cpp:1: 'refs'", "common/a.cpp:2: 'refs'", "common/a.cpp:3: 'meets'",
                          "sampler/README.md:1: 'anew'",
                          "sampler/README.md:2: 'told'", "sampler/README.md:2: 'goes on'",
                          "tests/a_test.cpp:1: 'life'"])

    def test_wording_finds_sources_that_are_gone(self):
        tree = self.tree({"docs/a.md": "`g.cpp`, `losses/l.cpp`, `gone.cpp`\n```\n`new.cpp`\n```\n"})
        self.assertEqual(wording.problems(tree), ["docs/a.md: there is no source gone.cpp"])

    def test_readmes_finds_long_ones_and_those_without_a_glossary(self):
        text = "# sampler\n\n## Glossary\n"
        right = {f"{folder}/README.md": text for folder in ("common", "sampler", "distributed",
                                                            "trainer/losses")}
        self.assertEqual(readmes.problems(self.tree(right)), [])
        found = readmes.problems(self.tree({**right, "common/README.md": "# common\n",
                                            "sampler/README.md": text + "\n" * 38}))
        self.assertEqual([line.split(";")[0] for line in found],
                         ["common/README.md: expected a section '## Glossary' with the folder's words, got "
                          "none",
                          "sampler/README.md: 41 lines"])
        self.assertEqual(len(readmes.problems(self.tree({}))), 4)

    def test_examples_finds_blocks_behind_an_empty_line(self):
        header = ("/// Sums.\n///\n///     f();\n///\n///     g();\n///\n/// Throws    Error for an\n///     "
                  "      argument\nint f();\n")
        self.assertEqual(examples.examples(header), [(3, ["f();", "", "g();", ""])])

    def test_examples_finds_those_that_no_test_has(self):
        header = {"common/error.h": "/// Sums.\n///\n///     f();\nint f();\n"}
        self.assertEqual(examples.problems(self.tree({})), [])
        self.assertIn("common/error.h:3: no test", examples.problems(self.tree(header))[0])
        test = "// Example of common/error.h\n  f( );\n  // End\n"
        self.assertEqual(examples.problems(self.tree({**header, "tests/examples/a.cpp": test})), [])
        found = examples.problems(self.tree({**header, "tests/examples/a.cpp": test.replace("f(", "g(")}))
        self.assertEqual([line.split(" ")[1] for line in found], ["no", "expected"])
        gone = examples.problems(
            self.tree({**header, "tests/examples/a.cpp": test + test.replace("error.h", "gone.h")}))
        self.assertEqual(gone, ["tests/examples/: there is no header common/gone.h"])

    def test_wording_finds_dead_links(self):
        tree = self.tree({"README.md": "[a](docs/a.md) [b](docs/b.md#part) [c](#here) "
                          "[d](https://example.org)\n",
                          "docs/b.md": "```cpp\n[](const Rows& x) { return x; }\n```\n"})
        self.assertEqual(wording.problems(tree), ["README.md: the link to docs/a.md leads nowhere"])

    def test_the_handbook_must_name_what_the_sources_know_and_nothing_else(self):
        files = {
            "trainer/commands/command.h": "enum ExitCode : int {\n  kDone = 0,\n  kLost = 4,\n};\n",
            "trainer/a.cpp": 'getenv("LODESTONE_LOG"); raise(SIGUSR1); path = root_ / "report.html";\n',
            "deploy/mpi/train.sh": "exec ${BIND:-none}\n",
            "deploy/prometheus/rules.yaml": "- alert: LodestoneDown\n",
            "docs/errors.md": "## Exit codes\n| 0 | done |\n| 4 | lost |\n## Signals\nUSR1\n",
            "docs/operations.md": "## Alerts\n| `LodestoneDown` | [what](monitoring.md#lodestonedown) |\n## "
                 "Files\n| `report.html` |\n"
                                  "## Environment\n| `LODESTONE_LOG` |\n| `OMP_*`, `GOMP_*`, `NCCL_*` |\n"
                 "Also `BIND`.\n",
            "trainer/losses/table.cpp": '{"clip", "two towers",\n make_clip},\n',
            "trainer/miners/table.cpp": '{"all", "every pair", make_row<Miner, TakeAll>},\n',
            "docs/losses.md": "## Losses\n| `loss.name` | what |\n|---|---|\n| `clip` | two towers |\n## "
                 "Miners\n| `all` | every pair |\n"}
        self.assertEqual(handbook.problems(self.tree(files)), [])
        for file, old, new, expected in (
                ("trainer/commands/command.h", "kLost = 4", "kLost = 4,\n kWorse = 9",
                 "does not name exit code 9"),
                ("docs/errors.md", "| 4 | lost |", "| 4 | lost |\n| 6 | gone |", "names exit code 6"),
                ("docs/errors.md", "USR1", "", "does not name signal USR1"),
                ("trainer/a.cpp", "LODESTONE_LOG", "LODESTONE_LOG\" \"WORLD_SIZE",
                 "does not name variable WORLD_SIZE"),
                ("trainer/a.cpp", '"LODESTONE_LOG"', "", "names variable LODESTONE_LOG"),
                ("deploy/mpi/train.sh", "BIND", "GRACE", "does not name setting GRACE"),
                ("deploy/prometheus/rules.yaml", "LodestoneDown", "LodestoneDown\n- alert: LodestoneOut",
                 "does not name alert LodestoneOut"),
                ("docs/operations.md", "#lodestonedown", "", "no runbook entry for LodestoneDown"),
                ("docs/operations.md", "report.html", "", "does not name file report.html"),
                ("trainer/losses/table.cpp", "two towers", "three",
                 "names the row of trainer/losses/table.cpp | `clip` | two towers |"),
                ("trainer/miners/table.cpp", "{", '{"none", "no pair", make_none},\n{',
                 "does not name the row of trainer/miners/table.cpp | `none`")):
            with self.subTest(expected):
                found = handbook.problems(self.tree({**files, file: files[file].replace(old, new)}))
                self.assertTrue(any(expected in line for line in found), found)

    def assert_paths(self, code, *expected):
        found = paths.problems(self.tree({"sampler/a.cpp": code}))
        self.assertEqual([line.split(" ", 1)[1].split(";")[0] for line in found], list(expected), found)

    def test_paths_finds_calls_that_throw(self):
        self.assert_paths("bool f(P p) { return fs::exists(p) && std::filesystem::is_regular_file(g(p, "
                          "error)); }\n",
                          "exists throws", "is_regular_file throws")
        self.assert_paths("for (const auto& e : fs::directory_iterator(p, error)) if (e.is_directory()) "
                          "h(e->file_size());\n",
                          "is_directory throws", "file_size throws", "a loop over directory_iterator throws")
        self.assert_paths("// fs::exists(p)\nfs::rename(p, q, error); fs::file_size(g(p), ignored); "
                          "path_exists(p);\n"
                          "for (fs::directory_iterator it(p, code), end; it != fs::directory_iterator(); "
                          "it.increment(code)) {}\n")

    def test_paths_finds_options_and_keys_that_go_their_own_way(self):
        self.assert_paths('c->add_option("--json", a->json, "write the table "\n "to this file");',
                          "the option --json takes a path")
        self.assert_paths('add_path(c, "--json", a->json, "write to this file"); c->add_option("--rate", '
                          'a->rate, "of learning");')
        self.assert_paths('f.field({"init_from", "weights", "", 0}, &init_from);',
                          "the key init_from holds a path")
        self.assert_paths('f.field({"init_from", "weights", kPathUnit}, &init_from); f.field({"profile", "a, '
                          'b"}, &p);')

    def assert_comments(self, code, *expected):
        found = comments.problems(self.tree({"sampler/a.h": code}))
        self.assertEqual([line.split(": ", 1)[1].split(";")[0] for line in found], list(expected), found)

    def test_columns_finds_long_lines_of_every_language(self):
        def lines(name, code):
            return [line.split(": ", 1)[1].split(";")[0] for line in columns.problems(
                self.tree({name: code}))]
        self.assertEqual(lines("sampler/a.h", "// " + "x" * 107 + "\n// " + "·" * 107 + "\n// " + "·" * 108),
                         ["111 columns"])
        self.assertEqual(lines("sampler/a.h", 'const char* kText = R"(\n' + "x" * 111 + '\n)";\n'), [])
        for name in ("dev", "deploy/sbom", "tests/CMakeLists.txt", "trainer/serve/page.js", "tests/a_test.py",
                     "bench/run.sh"):
            self.assertEqual(lines(name, "x" * 110 + "\n" + "x" * 112), ["112 columns"], name)
        self.assertEqual(lines("tests/data/a.json", "x" * 200), [])

    def test_columns_finds_paragraphs_that_were_wrapped_twice(self):
        full, rest = "word " * 20 + "and the\n", "skipped\n"
        docstring = '"""What it does.\n\n' + full + rest + 'if there is none.\n"""\n'
        comment = "# " + full + "# " + rest + "# if there is none.\n"
        for name, text, line in (("tests/a_test.py", docstring, 4), ("tests/a_test.py", comment, 2),
                                 ("bench/run.sh", comment, 2), ("tests/CMakeLists.txt", comment, 2)):
            self.assertEqual(columns.problems(self.tree({name: text})),
                             [f"{name}:{line}: the first word of the next line fits; fill the paragraph"])
        for right in ('"""' + full + 'skipped if there is none."""\n',
                      '"""Ends a sentence.\nusage: a.py\n\nkill     SIGKILL for one\nstop     SIGSTOP"""\n',
                      "# one line\n\n# another paragraph\n", "# " + "word\n# " + "x" * 104 + "\n",
                      "#   build/lodestone data\n#   build/lodestone train\n", 'x = """a\nb"""\n'):
            self.assertEqual(columns.problems(self.tree({"tests/a_test.py": right})), [], right)

    def test_comments_finds_labels_within_prose(self):
        self.assert_comments("/// Sums rows. Cost      one pass\nint x;  ///< of a row Throws  Error\n",
                             "the label Cost stands in the middle of a line",
                             "the label Throws stands in the middle of a line")
        self.assert_comments("/// Sums rows. Throws Error if there are none.\n/// Cost      one pass\n  /// "
                             "Math      y =  x\n"
                             'const char* kTable = "rows  Cost  bytes";\n')

    def test_comments_finds_trailing_comments_of_several_lines(self):
        what = "a ///< comment of more than one line"
        self.assert_comments("bool pinned =\n    false;  ///< of a GPU\nstd::vector<int>\n    views;  ///< "
                             "of a sample\n", what, what)
        self.assert_comments("int (*select)(\n    int rank);  ///< may throw\nint a;  ///< first\n        "
                             "///< second\n", what, what)
        self.assert_comments("struct S {\n  int a;  ///< one\n  // why\n  int b = 0;  ///< two\n\n  enum E "
                             "{\n    kA,  ///< of E\n"
                             "    kB,  ///< of E\n  };\n public:\n  int c;  ///< three\n};\n")


if __name__ == "__main__":
    unittest.main()
