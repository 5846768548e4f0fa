#!/usr/bin/python3
"""Tests of embed_rules.py: each mistake is found, with file and line and what to do."""
import contextlib
import io
import pathlib
import re
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import embed_rules  # noqa: E402

RULE = """\
- id: {id}
  title: A title
  severity: high
  mode: observe
  since: "2026.11"
  why: Because.
  fix: "Do \\"this\\" … or `that`."
  references: [{{framework: OWASP LLM, edition: "2025", id: LLM01}}]
"""


def rule(rule_id="guardrails.sanitize.phrase"):
    return RULE.format(id=rule_id)


class EmbedRulesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        (self.root / "rules").mkdir()
        (self.root / "src").mkdir()

    def write(self, name, content):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")

    def run_tool(self, *more):
        """The exit status and what was said."""
        said = io.StringIO()
        arguments = ["--rules", str(self.root / "rules"), *more]
        if not more:
            arguments += ["--out", str(self.root / "out")]
        with contextlib.redirect_stderr(said):
            status = embed_rules.main(arguments)
        return status, said.getvalue()

    def check_used(self):
        return self.run_tool("--check-used", "--source", str(self.root / "src"))

    def generated(self, name):
        return (self.root / "out" / name).read_text(encoding="utf-8")

    def assert_refused(self, content, line, part):
        self.write("rules/a.yaml", content)
        status, said = self.run_tool()
        self.assertEqual(status, 1, said)
        self.assertRegex(said, rf"(?m)^.*a\.yaml:{line}: (?=.*{re.escape(part)}).+; .+$")
        self.assertFalse((self.root / "out").exists(), "a wrong catalogue is not embedded")

    def test_rules_of_all_files_are_sorted_and_numbered(self):
        self.write("rules/a.yaml", rule("guardrails.sanitize.phrase"))
        self.write("rules/b.yaml", rule("access.keys.missing"))
        self.assertEqual(self.run_tool(), (0, ""))
        header = self.generated("rules.h")
        self.assertIn('#include "core/rule.h"', header)
        self.assertIn("inline constexpr RuleId kAccessKeysMissing{0};", header)
        self.assertIn("inline constexpr RuleId kGuardrailsSanitizePhrase{1};", header)

    def test_text_is_escaped(self):
        self.write("rules/a.yaml", rule())
        self.run_tool()
        self.assertIn(r'"Do \"this\" \342\200\246 or `that`."', self.generated("catalogue.cc"))

    def test_gateway_rules_belong_to_access(self):
        self.write("rules/a.yaml", rule("gateway.route.unknown"))
        self.assertEqual(self.run_tool(), (0, ""))
        self.assertIn('"A title", "access"', self.generated("catalogue.cc"))

    def test_a_pillar_may_be_given_but_must_be_one(self):
        self.write("rules/a.yaml", rule() + "  pillar: data\n")
        self.assertEqual(self.run_tool(), (0, ""))
        self.assertIn('"A title", "data"', self.generated("catalogue.cc"))
        (self.root / "out" / "rules.h").unlink()
        (self.root / "out" / "catalogue.cc").unlink()
        (self.root / "out").rmdir()
        self.assert_refused(rule() + "  pillar: dta\n", 9, "'dta' is no pillar")
        self.assert_refused(rule("kitchen.sink.full"), 1, "'kitchen' is no pillar")

    def test_files_are_written_only_if_changed(self):
        self.write("rules/a.yaml", rule())
        self.run_tool()
        path = self.root / "out" / "rules.h"
        before = path.stat().st_mtime_ns
        self.run_tool()
        self.assertEqual(path.stat().st_mtime_ns, before)
        self.write("rules/a.yaml", rule("guardrails.sanitize.word"))
        self.run_tool()
        self.assertIn("kGuardrailsSanitizeWord", self.generated("rules.h"))

    def test_the_digest_follows_the_sources(self):
        digest = re.compile(r'return "([0-9a-f]{64})"')
        seen = set()
        for content in (rule(), "# a comment\n" + rule(), rule("access.keys.missing")):
            self.write("rules/a.yaml", content)
            self.run_tool()
            seen.add(digest.search(self.generated("catalogue.cc")).group(1))
        self.assertEqual(len(seen), 3)

    def test_an_id_must_be_well_formed(self):
        for bad in ("guardrails.phrase", "Guardrails.sanitize.phrase", "guardrails.sanitize.a-b",
                    "guardrails.sanitize.phrase.x", "guardrails.sani2e.phrase", "guardrails..x"):
            self.assert_refused(rule(bad), 1, "not well formed")

    def test_an_id_stands_once_also_across_files(self):
        self.write("rules/b.yaml", "\n\n" + rule())
        self.write("rules/a.yaml", rule())
        status, said = self.run_tool()
        self.assertEqual(status, 1)
        self.assertRegex(said, r"b\.yaml:3: .*a\.yaml:1\) have the same id")

    def test_ids_that_give_the_same_constant_are_refused(self):
        self.assert_refused(rule("guardrails.a_b.c") + rule("guardrails.a.b_c"), 1, "constant")

    def test_every_field_must_be_there(self):
        for field in embed_rules.TEXT_FIELDS:
            lines = [line for line in rule().splitlines() if f"{field}:" not in line or
                     line.startswith("  references")]
            text = "\n".join(lines)
            if field == "id":
                text = "- pillar: data\n" + text
            self.assert_refused(text + "\n", 1, f"has no '{field}'")
        self.assert_refused(rule().rsplit("  references", 1)[0], 1, "no references")

    def test_a_field_must_be_text(self):
        self.assert_refused(rule().replace("why: Because.", "why: [x]"), 6, "'why'")
        self.assert_refused(rule().replace("why: Because.", "why: ''"), 6, "'why'")

    def test_severity_mode_and_since_are_checked(self):
        self.assert_refused(rule().replace("high", "hihg"), 3, "severity")
        self.assert_refused(rule().replace("observe", "observed"), 4, "did you mean observe?")
        self.assert_refused(rule().replace("2026.11", "2026.13"), 5, "since")

    def test_a_reference_needs_framework_edition_and_id(self):
        self.assert_refused(rule().replace('edition: "2025", ', ""), 8, "'edition'")
        self.assert_refused(rule().replace("[{", "{a: {").replace("}]", "}}"), 8, "no references")
        self.assert_refused(rule().replace("LLM01}]", "LLM01}, x]"), 8, "not a map")

    def test_unknown_and_repeated_keys_are_refused(self):
        self.assert_refused(rule() + "  sevrity: low\n", 9, "did you mean severity?")
        self.assert_refused(rule() + "  why: again\n", 9, "stands twice")

    def test_what_is_no_list_of_rules_is_refused(self):
        self.assert_refused("a: 1\n", 1, "not a list")
        self.assert_refused("- x\n", 1, "not a map")
        self.assert_refused("", 1, "not a list")
        self.assert_refused("- a: [\n", 2, "no YAML")

    def test_bytes_that_are_no_utf8_are_refused(self):
        (self.root / "rules" / "a.yaml").write_bytes(b"- a: 1\n  b: \xff\n")
        status, said = self.run_tool()
        self.assertEqual(status, 1)
        self.assertIn("a.yaml:2: not UTF-8", said)

    def test_no_rules_at_all_is_a_failure(self):
        status, said = self.run_tool()
        self.assertEqual(status, 1)
        self.assertIn("no *.yaml file", said)

    def test_every_mistake_is_said_at_once(self):
        self.write("rules/a.yaml", rule().replace("high", "x").replace("observe", "y"))
        self.assertEqual(self.run_tool()[1].count("\n"), 2)

    def test_a_rule_that_code_uses_is_fine(self):
        self.write("rules/a.yaml", rule())
        self.write("src/x/y.cc", "auto f = make_finding(rules::kGuardrailsSanitizePhrase, 1);\n")
        self.assertEqual(self.check_used(), (0, ""))

    def test_a_rule_that_no_code_uses_is_a_failure(self):
        self.write("rules/a.yaml", rule())
        self.write("src/y.cc", "int kGuardrailsSanitizePhrases = 1;\n")
        status, said = self.check_used()
        self.assertEqual(status, 1)
        self.assertRegex(said, r"a\.yaml:1: no code uses guardrails\.sanitize\.phrase; use "
                               r"rules::kGuardrailsSanitizePhrase")

    def test_tests_comments_and_literals_are_no_use(self):
        self.write("rules/a.yaml", rule())
        self.write("src/y_test.cc", "auto f = rules::kGuardrailsSanitizePhrase;\n")
        self.write("src/y_fuzz.cc", "auto f = rules::kGuardrailsSanitizePhrase;\n")
        self.write("src/y.cc", "// kGuardrailsSanitizePhrase\n/* \n kGuardrailsSanitizePhrase */\n"
                               'const char* a = "\\"kGuardrailsSanitizePhrase";\n')
        self.assertEqual(self.check_used()[0], 1)

    def test_digit_separators_hide_no_use(self):
        self.write("rules/a.yaml", rule())
        self.write("src/y.cc", "f(10'000, rules::kGuardrailsSanitizePhrase, 20'000);\n")
        self.assertEqual(self.check_used(), (0, ""))


if __name__ == "__main__":
    unittest.main()
