"""A small tree for the tests of the checks: write files, run a tool on them."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

TOOLS = pathlib.Path(__file__).resolve().parent.parent


class House(unittest.TestCase):
    TOOL = ""

    def setUp(self):
        self._scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self._scratch.cleanup)
        self.root = pathlib.Path(self._scratch.name)

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def run_tool(self, *arguments):
        """(exit status, output) of the tool on the tree."""
        done = subprocess.run(
            [sys.executable, str(TOOLS / self.TOOL), "--root", str(self.root), *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        return done.returncode, done.stdout

    def assert_clean(self, *arguments):
        status, output = self.run_tool(*arguments)
        self.assertEqual(status, 0, output)

    def assert_caught(self, *words):
        status, output = self.run_tool()
        self.assertEqual(status, 1, output)
        for word in words:
            self.assertIn(word, output)
