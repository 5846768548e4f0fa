#!/usr/bin/env python3
"""Writes davy(1) from what the binary says of itself: one part a command, as --help shows it.

Usage: make_man.py --davy FILE [--date YYYY-MM-DD]   the page goes to standard output
Exit status: 0, or 2 when the binary cannot be asked.
"""
import argparse
import re
import subprocess
import sys

SUBCOMMAND = re.compile(r"^  ([a-z][a-z-]*)(?: {2,}|$)")


def escaped(line):
    """A line of text as roff prints it: no control line, no escape, real hyphens."""
    line = line.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + line if line[:1] in (".", "'") else line


def subcommands(help_text):
    """The names below `Subcommands:`."""
    _, found, rest = help_text.partition("\nSubcommands:\n")
    if not found:
        return []
    block = rest.split("\n\n")[0]
    return [m.group(1) for m in map(SUBCOMMAND.match, block.split("\n")) if m]


def commands(ask, words=()):
    """Every command, in the order of --help: (words, help text)."""
    text = ask(words)
    inner = subcommands(text)
    if words and not inner:
        yield words, text
    for name in inner:
        yield from commands(ask, (*words, name))


def page(ask, version, date):
    about = ask(()).split("\nUsage:")[0].strip().split("\n")
    out = [f'.TH DAVY 1 "{date}" "{escaped(version)}" "User Commands"',
           ".SH NAME", "davy \\- " + escaped(about[0].split(": ", 1)[-1].rstrip(".")),
           ".SH SYNOPSIS", ".B davy", ".I command", "[options]",
           ".SH DESCRIPTION", *map(escaped, about),
           ".SH COMMANDS"]
    for words, text in commands(ask):
        summary, _, rest = text.strip("\n").partition("\n")
        out += [".SS " + escaped("davy " + " ".join(words)), escaped(summary),
                ".PP", ".nf", *map(escaped, rest.rstrip("\n").split("\n")), ".fi"]
    out += [".SH EXIT STATUS",
            "0 clean or allowed; 1 findings, or policy says no; 2 could not examine, bad input",
            "or usage.",
            ".SH FILES", ".TP", ".I /etc/davylamp/davylamp.yaml", "The configuration of the service.",
            ".TP", ".I /etc/davylamp/floor.yaml",
            "Modes of rules that no configuration may weaken; it need not be there.",
            ".TP", ".I /var/lib/davylamp", "Keys, state and evidence of the service."]
    return "\n".join(out) + "\n"


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--davy", required=True)
    options.add_argument("--date", default="")
    given = options.parse_args()

    def ask(words):
        return subprocess.run([given.davy, *words, "--help"], check=True, capture_output=True,
                              text=True).stdout

    try:
        version = subprocess.run([given.davy, "--version"], check=True, capture_output=True,
                                 text=True).stdout.strip()
        sys.stdout.write(page(ask, version, given.date))
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"make_man.py: {given.davy} cannot be asked: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
