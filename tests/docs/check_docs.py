#!/usr/bin/env python3
"""Documents that cannot rot: what they name must be there.

Examines *.md in the root, docs/ and src/. In links, code spans and code blocks:
- every relative path exists (`<name>` and `*` stand for any name);
- every script/… exists and may be run, and README.md names every script there is;
- every rule id is in the catalogue;
- every `davy …` command is one that the binary has (--davy FILE), unless its line or
  the heading above says "not built".
Exit status: 0 clean, 1 violations, 2 could not examine.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys

# A path is recognised by its first part. Floors may be named without src/.
SOURCE_FLOORS = ("base", "core", "mechanisms", "pillars", "surfaces", "app")
MADE_LATER = ("build/", "generated/", ".venv/", "davylamp-home/")
RULE_PILLARS = ("data", "environment", "access", "guardrails", "delivery", "monitoring", "gateway")

CODE_BLOCK = re.compile(r"^( *)```[^\n]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
CODE_SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
PATH = re.compile(r"^\.?[\w*<>-][\w.*<>{},/-]*$")
COMMAND_WORD = re.compile(r"^[a-z][a-z-]*$")


class Documents:
    def __init__(self, root, davy):
        self.root = root
        self.problems = []
        self.paths = 0
        self.commands = 0
        self.tops = sorted(p.name for p in root.iterdir() if p.name != ".git")
        self.rules = self.read_rules()
        self.davy = davy
        self.known = {}

    def read_rules(self):
        ids = set()
        for file in (self.root / "rules").glob("*.yaml"):
            ids.update(re.findall(r"^- id: *(\S+)", file.read_text(encoding="utf-8"), re.MULTILINE))
        return ids

    def complain(self, file, line, text):
        self.problems.append(f"{file.relative_to(self.root)}:{line}: {text}")

    def examine(self, file):
        text = file.read_text(encoding="utf-8")
        lines = text.splitlines()
        for match in CODE_BLOCK.finditer(text):
            first = text.count("\n", 0, match.start()) + 2
            for number, line in enumerate(match.group(2).splitlines(), first):
                # Prompts and a trailing comment are not part of a command.
                self.command_line(file, number, re.sub(r"^[$#] ", "", line.strip()), lines)
        prose = CODE_BLOCK.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)
        for number, line in enumerate(prose.splitlines(), 1):
            for match in LINK.finditer(line):
                self.link(file, number, match.group(1))
            for match in CODE_SPAN.finditer(line):
                self.span(file, number, match.group(1), lines)

    def link(self, file, line, target):
        if re.match(r"[a-z]+:", target) or target.startswith("#"):
            return
        self.paths += 1
        if not (file.parent / target.split("#")[0]).exists():
            self.complain(file, line, f"the link {target} leads nowhere")

    def span(self, file, line, span, lines):
        if span.startswith("davy ") or re.match(r"(script|build)/.", span) or " " in span:
            self.command_line(file, line, span, lines)
        elif re.fullmatch(rf"({'|'.join(RULE_PILLARS)})(\.[a-z_]+){{2}}", span):
            self.paths += 1
            named = span in self.rules or any(one.startswith(span + ".") for one in self.rules)
            if not named and not self.is_section(span):
                self.complain(file, line, f"the catalogue has no rule {span}")
        else:
            self.path(file, line, span)

    def is_section(self, span):
        """guardrails.sanitize.phrases is a key of the configuration, not a rule."""
        pillar, folder, key = span.split(".")
        source = self.root / "src" / "pillars" / pillar / folder
        return any(f'"{key}"' in f.read_text(encoding="utf-8") for f in source.glob("*.cc"))

    def path(self, file, line, text):
        text = text.rstrip(":,;")
        if not PATH.match(text) or text.startswith(MADE_LATER):
            return
        first = text.split("/")[0]
        if first in SOURCE_FLOORS and "/" in text:
            base = self.root / "src"
        elif first in self.tops and ("/" in text or "." in text):
            base = self.root
        elif re.fullmatch(r"[A-Z]+\.md|[\w./-]+/|[\w-]+/[\w./-]+\.(h|cc|py|md|yaml|txt|json)", text):
            base = self.root if not (file.parent / text).exists() else file.parent
        else:
            return
        self.paths += 1
        for one in self.braces(text):
            pattern = re.sub(r"<[^>]*>", "*", one)
            found = any(base.glob(pattern.rstrip("/"))) if "*" in pattern else (base / one).exists()
            if not found:
                self.complain(file, line, f"{one} does not exist")

    @staticmethod
    def braces(text):
        match = re.search(r"\{([^{}]*)\}", text)
        if not match:
            return [text]
        return [found for choice in match.group(1).split(",")
                for found in Documents.braces(text[:match.start()] + choice + text[match.end():])]

    def command_line(self, file, line, command, lines):
        words = command.split()
        # VARIABLE=value before a command, and `… |` before a davy that reads it.
        while words and re.match(r"[A-Z_]+=", words[0]):
            words.pop(0)
        if "|" in words:
            rest = words[words.index("|") + 1:]
            if rest:
                self.command_line(file, line, " ".join(rest), lines)
            words = words[:words.index("|")]
        if not words:
            return
        if words[0].startswith("script/") or words[0].startswith("bench/"):
            self.paths += 1
            target = self.root / words[0]
            if "<" in words[0] or "*" in words[0]:
                self.path(file, line, words[0])
            elif not target.is_file():
                self.complain(file, line, f"{words[0]} does not exist")
            elif words[0].startswith("script/") and not words[0].endswith(".sh") \
                    and not os.access(target, os.X_OK):
                self.complain(file, line, f"{words[0]} may not be run")
        elif words[0].split("/")[-1] == "davy":
            self.davy_command(file, line, words[1:], lines)

    def davy_command(self, file, line, words, lines):
        verbs = []
        for word in words:
            if not COMMAND_WORD.match(word):
                break
            verbs.append(word)
        if not verbs or self.davy is None or self.said_not_built(lines, line):
            return
        self.commands += 1
        done = []
        for verb in verbs:
            below = self.subcommands(tuple(done))
            if not below:
                return  # the rest are arguments
            if verb not in below:
                self.complain(file, line, f"`davy {' '.join(done + [verb])}` is no command of the "
                              "binary, and the text does not say that it is not built")
                return
            done.append(verb)

    @staticmethod
    def said_not_built(lines, line):
        if "not built" in lines[line - 1].lower():
            return True
        heading = next((one for one in reversed(lines[:line - 1]) if one.startswith("#")), "")
        return "not built" in heading.lower()

    def subcommands(self, verbs):
        """What `davy VERB… --help` lists under its heading of subcommands."""
        if verbs not in self.known:
            done = subprocess.run([self.davy, *verbs, "--help"], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, check=False, timeout=20)
            if done.returncode != 0:
                raise OSError(f"davy {' '.join(verbs)} --help failed:\n{done.stdout}")
            names, inside = set(), False
            for line in done.stdout.splitlines():
                if re.match(r"(sub)?commands", line, re.IGNORECASE):
                    inside = True
                elif inside and (match := re.match(r"  ([a-z][a-z-]*)\b", line)):
                    names.add(match.group(1))
                elif inside and line and not line.startswith(" "):
                    inside = False
            self.known[verbs] = names
        return self.known[verbs]

    def scripts_named(self):
        readme = self.root / "README.md"
        if not readme.is_file():
            self.problems.append("README.md does not exist")
            return
        named = set(re.findall(r"(?<![\w/])script/([a-z_-]+)\b(?!\.)", readme.read_text(encoding="utf-8")))
        there = {p.name for p in (self.root / "script").iterdir() if os.access(p, os.X_OK)}
        for name in sorted(there - named):
            self.problems.append(f"README.md does not name script/{name}")


INSTALLED = {"node_modules", ".venv"}


def documents(root):
    yield from sorted(root.glob("*.md"))
    for folder in ("docs", "src", "tests", "bench", "examples"):
        yield from sorted(file for file in (root / folder).rglob("*.md")
                          if not INSTALLED.intersection(file.relative_to(root).parts))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parent.parent.parent)
    parser.add_argument("--davy", help="the binary; without it no davy command is examined")
    arguments = parser.parse_args()
    if arguments.davy and not os.access(arguments.davy, os.X_OK):
        print(f"{arguments.davy} is not there or may not be run", file=sys.stderr)
        return 2
    examined = Documents(arguments.root, arguments.davy)
    count = 0
    try:
        for file in documents(arguments.root):
            count += 1
            examined.examine(file)
    except OSError as error:
        print(error, file=sys.stderr)
        return 2
    examined.scripts_named()
    for problem in examined.problems:
        print(problem)
    print(f"{count} documents: {examined.paths} paths, {examined.commands} davy commands examined, "
          f"{len(examined.problems)} violations")
    if not arguments.davy:
        print("davy commands were not examined: no --davy")
    return 1 if examined.problems else 0


if __name__ == "__main__":
    sys.exit(main())
