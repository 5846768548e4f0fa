import unittest

from house import House

UNTRUSTED = """
constexpr ModuleInfo kModules[] = {
    {"mechanisms/text", "Is it text?", Maturity::usable, Posture::trusted_only},
    {"pillars/access/keys", "Who calls?", Maturity::usable, Posture::untrusted_input},
};
"""


class CheckModules(House):
    TOOL = "check_modules.py"

    def setUp(self):
        super().setUp()
        self.write("src/pillars/access/keys/key.h", "#pragma once\n")
        self.write("src/pillars/access/keys/README.md", "# Keys\n")

    def test_a_documented_module_is_clean(self):
        self.assert_clean()

    def test_code_without_a_readme_is_caught(self):
        self.write("src/pillars/data/pii/find.cc", "int find();\n")
        self.assert_caught("src/pillars/data/pii: has code and no README.md")

    def test_a_long_readme_is_caught(self):
        self.write("src/pillars/access/keys/README.md", "line\n" * 25)
        self.assert_clean()
        self.write("src/pillars/access/keys/README.md", "line\n" * 26)
        self.assert_caught("26 lines; at most 25")

    def test_a_folder_without_code_owes_nothing(self):
        self.write("src/pillars/data/pii/notes.txt", "later\n")
        self.assert_clean()

    def test_length_warns_first_and_fails_later(self):
        self.write("src/base/long.h", "\n" * 201)
        self.write("src/base/long.cc", "\n" * 401)
        status, output = self.run_tool()
        self.assertEqual(status, 0, output)
        self.assertIn("warning: src/base/long.h: 201 lines", output)
        self.assertIn("warning: src/base/long.cc: 401 lines", output)
        self.write("src/base/long.h", "\n" * 301)
        self.assert_caught("src/base/long.h: 301 lines; at most 300")

    def test_tests_may_be_long(self):
        self.write("src/base/long_test.cc", "\n" * 900)
        self.assert_clean()

    def test_untrusted_without_a_fuzzer_is_caught(self):
        self.write("src/app/builtins.cc", UNTRUSTED)
        self.assert_caught("src/app/builtins.cc:4:", "pillars/access/keys says untrusted_input")

    def test_untrusted_with_a_fuzzer_is_clean(self):
        self.write("src/app/builtins.cc", UNTRUSTED)
        self.write("src/pillars/access/keys/key_fuzz.cc", "int f();\n")
        self.assert_clean()

    def test_a_named_fuzzer_must_be_there(self):
        self.write("src/app/builtins.cc", UNTRUSTED.replace(
            '{"pillars', '// fuzzer: mechanisms/text/key_fuzz.cc\n    {"pillars'))
        self.assert_caught("names the fuzzer mechanisms/text/key_fuzz.cc")
        self.write("src/mechanisms/text/key_fuzz.cc", "int f();\n")
        self.assert_clean()

    def test_a_posture_that_names_no_module_belongs_to_its_folder(self):
        self.write("src/pillars/access/keys/stage.cc",
                   "constexpr Posture kPosture = Posture::untrusted_input;\n")
        self.assert_caught("pillars/access/keys says untrusted_input")

    def test_comparisons_and_comments_declare_nothing(self):
        self.write("src/app/list.cc", "// Posture::untrusted_input\n"
                   "bool f(Posture p) { return p == Posture::untrusted_input; }\n"
                   "case Posture::untrusted_input: break;\n")
        self.assert_clean()

    def test_an_empty_tree_is_not_clean(self):
        (self.root / "src/pillars/access/keys/key.h").unlink()
        self.assertEqual(self.run_tool()[0], 2)


if __name__ == "__main__":
    unittest.main()
