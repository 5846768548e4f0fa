import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

TOOL = pathlib.Path(__file__).resolve().parent / "check_docs.py"

# Speaks as the binary's --help does.
DAVY = """#!/bin/sh
case "$1 $2" in
  "--help "*) printf 'davy\\n\\nUsage: davy [OPTIONS] SUBCOMMAND\\n\\nOptions:\\n  -h  help\\n\\nSubcommands:\\n  serve    Run\\n  key      Keys\\n' ;;
  "key --help") printf 'Keys\\n\\nSubcommands:\\n  create    Make one\\n' ;;
  *) printf 'Usage: davy serve [OPTIONS]\\n\\nOptions:\\n  -c TEXT\\n' ;;
esac
"""

README = """# Davylamp

Run `script/server` and `script/test`; see [the floors](ARCHITECTURE.md).

```
$ script/server
build/release/davy serve -c davylamp.yaml
davy key create --experiment try-it
```

`core/stage.h`, `src/core/{stage,rule}.h`, `src/pillars/<pillar>/<folder>/README.md`,
`access.keys.missing`, `access.keys`, `application/problem+json`, `env:NAME`, `a/b`.
`davy scan image` is not built yet.
"""


class CheckDocs(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = pathlib.Path(scratch.name)
        for path, text in {
            "README.md": README,
            "ARCHITECTURE.md": "# Floors\n",
            "src/core/stage.h": "", "src/core/rule.h": "",
            "src/pillars/access/keys/README.md": "# Keys\n",
            "rules/access.yaml": "- id: access.keys.missing\n  title: t\n",
            "script/server": "", "script/test": "", "script/common.sh": "",
            "davy": DAVY,
        }.items():
            file = self.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        for path in ("script/server", "script/test", "davy"):
            (self.root / path).chmod(0o755)

    def run_tool(self):
        done = subprocess.run(
            [sys.executable, str(TOOL), "--root", str(self.root), "--davy", str(self.root / "davy")],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        return done.returncode, done.stdout

    def assert_caught(self, line, *words):
        (self.root / "README.md").write_text(README + line, encoding="utf-8")
        status, output = self.run_tool()
        self.assertEqual(status, 1, output)
        for word in words:
            self.assertIn(word, output)

    def test_true_documents_are_clean(self):
        status, output = self.run_tool()
        self.assertEqual(status, 0, output)
        self.assertIn("2 davy commands", output)

    def test_a_path_that_is_gone_is_caught(self):
        self.assert_caught("`src/core/gone.h`\n", f"README.md:{README.count(chr(10)) + 1}:",
                           "src/core/gone.h does not exist")

    def test_a_path_without_src_is_caught(self):
        self.assert_caught("`core/gone.h`\n", "core/gone.h does not exist")

    def test_a_pattern_that_matches_nothing_is_caught(self):
        self.assert_caught("`src/core/<name>_fuzz.cc`\n", "does not exist")

    def test_one_missing_choice_of_several_is_caught(self):
        self.assert_caught("`src/core/{stage,gone}.h`\n", "src/core/gone.h does not exist")

    def test_a_document_that_is_gone_is_caught(self):
        self.assert_caught("`SECURITY.md`\n", "SECURITY.md does not exist")

    def test_a_dead_link_is_caught(self):
        self.assert_caught("[x](docs/gone.md)\n", "docs/gone.md leads nowhere")

    def test_a_script_that_is_gone_is_caught(self):
        self.assert_caught("```\nscript/gone\n```\n", "script/gone does not exist")

    def test_a_script_that_may_not_be_run_is_caught(self):
        (self.root / "script/test").chmod(0o644)
        self.assert_caught("", "script/test may not be run")

    def test_a_script_that_the_readme_does_not_name_is_caught(self):
        (self.root / "script/new").write_text("")
        (self.root / "script/new").chmod(0o755)
        self.assert_caught("", "does not name script/new")

    def test_an_unknown_rule_is_caught(self):
        self.assert_caught("`access.keys.gone`\n", "no rule access.keys.gone")

    def test_an_unknown_command_is_caught(self):
        self.assert_caught("`davy monitor check FILE`\n", "`davy monitor`")

    def test_an_unknown_command_below_a_known_one_is_caught(self):
        self.assert_caught("```\n$ davy key rotate ID\n```\n", "`davy key rotate`")

    def test_not_built_is_an_excuse_on_the_line_and_in_the_heading(self):
        (self.root / "README.md").write_text(
            README + "`davy monitor` (not built)\n\n## Not built yet\n\n- `davy scan image`\n")
        status, output = self.run_tool()
        self.assertEqual(status, 0, output)

    def test_documents_of_installed_packages_are_not_ours(self):
        for name in ("tests/clients/node_modules/other", "bench/gateway/.venv/lib"):
            (self.root / name).mkdir(parents=True)
            (self.root / name / "README.md").write_text("`src/core/gone.h`\n")
        status, output = self.run_tool()
        self.assertEqual(status, 0, output)

    def test_a_missing_binary_is_no_success(self):
        os.unlink(self.root / "davy")
        self.assertEqual(self.run_tool()[0], 2)


if __name__ == "__main__":
    unittest.main()
