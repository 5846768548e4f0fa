#!/usr/bin/python3
"""Checks the rule catalogue and turns it into C++.

    embed_rules.py --rules rules --out build/dev/generated/generated
        rules/*.yaml -> rules.h (one constant a rule) and catalogue.cc. A file is
        written only if its content changes.
    embed_rules.py --rules rules --check-used --source src
        Fails if a rule's constant stands in no source file: such a rule promises
        something that no code does. Tests, fuzzers and benchmarks do not count,
        nor do comments and string literals.

The other direction (code names no rule that the catalogue lacks) is the compiler's
work: code can name a rule only by its constant.

Exit status: 0 all is well, 1 the catalogue is wrong. Each mistake is one line:
file:line: what is wrong; what to do.
"""
import argparse
import difflib
import hashlib
import pathlib
import re
import sys

import yaml

PILLARS = ("data", "environment", "access", "guardrails", "delivery", "monitoring")
# First parts of an id that are not a pillar's name, and the pillar they belong to.
OTHER_FIRST_PARTS = {"gateway": "access"}
SEVERITIES = ("info", "low", "medium", "high", "critical")
MODES = ("off", "observe", "enforce")
ID = re.compile(r"[a-z]+\.[a-z_]+\.[a-z_0-9]+")
EDITION = re.compile(r"[0-9]{4}\.(0[1-9]|1[0-2])")
TEXT_FIELDS = ("id", "title", "severity", "mode", "since", "why", "fix")
REFERENCE_FIELDS = ("framework", "edition", "id")
NOT_PRODUCT = ("_test.cc", "_fuzz.cc", "_bench.cc")
COMMENT_OR_LITERAL = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', re.DOTALL)


class Catalogue:
    """The rules of all files, and every mistake that they have."""

    def __init__(self):
        self.rules = []
        self.mistakes = []
        self.digest = hashlib.sha256()

    def mistake(self, file, node_or_line, what, do):
        line = node_or_line if isinstance(node_or_line, int) else node_or_line.start_mark.line + 1
        self.mistakes.append(f"{file}:{line}: {what}; {do}")


def one_of(value, choices):
    near = difflib.get_close_matches(value, choices, 1)
    return f"use one of {', '.join(choices)}" + (f" (did you mean {near[0]}?)" if near else "")


def fields(catalogue, file, node, allowed, what):
    """The map's entries as {key: value node}; None if it is no map."""
    if not isinstance(node, yaml.MappingNode):
        catalogue.mistake(file, node, f"{what} is not a map", f"write {', '.join(allowed)} as keys")
        return None
    entries = {}
    for key, value in node.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else "?"
        if name not in allowed:
            catalogue.mistake(file, key, f"unknown key {name!r}", one_of(name, allowed))
        elif name in entries:
            catalogue.mistake(file, key, f"{name!r} stands twice in {what}", "remove one")
        else:
            entries[name] = value
    return entries


def text(catalogue, file, owner, entries, key, what):
    node = entries.get(key)
    if node is None:
        catalogue.mistake(file, owner, f"{what} has no {key!r}", "add it")
        return None
    if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
        catalogue.mistake(file, node, f"{key!r} of {what} is empty or no text", "write one text")
        return None
    return " ".join(node.value.split())


def read_references(catalogue, file, owner, entries, what):
    node = entries.get("references")
    if not isinstance(node, yaml.SequenceNode) or not node.value:
        catalogue.mistake(file, node or owner, f"{what} has no references",
                          "add a list of {framework, edition, id}")
        return []
    references = []
    for item in node.value:
        parts = fields(catalogue, file, item, REFERENCE_FIELDS, f"a reference of {what}")
        if parts is None:
            continue
        values = [text(catalogue, file, item, parts, key, f"a reference of {what}")
                  for key in REFERENCE_FIELDS]
        if all(values):
            references.append(tuple(values))
    return references


def read_rule(catalogue, file, node):
    allowed = TEXT_FIELDS + ("pillar", "references")
    entries = fields(catalogue, file, node, allowed, "a rule")
    if entries is None:
        return
    named = entries.get("id")
    what = named.value if isinstance(named, yaml.ScalarNode) and named.value else "the rule"
    rule = {key: text(catalogue, file, node, entries, key, what) for key in TEXT_FIELDS}
    rule["references"] = read_references(catalogue, file, node, entries, what)
    rule["place"] = (file, node.start_mark.line + 1)
    for key, choices in (("severity", SEVERITIES), ("mode", MODES)):
        if rule[key] is not None and rule[key] not in choices:
            catalogue.mistake(file, entries[key], f"{key} of {what} is {rule[key]!r}",
                              one_of(rule[key], choices))
    if rule["since"] is not None and not EDITION.fullmatch(rule["since"]):
        catalogue.mistake(file, entries["since"], f"since of {what} is {rule['since']!r}",
                          'write the edition as "YYYY.MM", in quotes')
    if rule["id"] is None:
        return
    if not ID.fullmatch(rule["id"]):
        catalogue.mistake(file, entries["id"], f"the id {rule['id']!r} is not well formed",
                          "write pillar.folder.name: lower case, digits only in the name")
        return
    first = rule["id"].split(".")[0]
    pillar = OTHER_FIRST_PARTS.get(first, first)
    if "pillar" in entries:
        pillar = text(catalogue, file, node, entries, "pillar", what) or pillar
    if pillar not in PILLARS:
        catalogue.mistake(file, entries.get("pillar", entries["id"]),
                          f"{pillar!r} is no pillar", one_of(pillar, PILLARS))
    rule["pillar"] = pillar
    rule["constant"] = constant(rule["id"])
    catalogue.rules.append(rule)


def constant(rule_id):
    return "k" + "".join(word.capitalize() for word in re.split(r"[._]", rule_id) if word)


def read_catalogue(folder):
    catalogue = Catalogue()
    files = sorted(pathlib.Path(folder).glob("*.yaml"))
    if not files:
        catalogue.mistake(folder, 0, "no *.yaml file is there", "name the folder with --rules")
    for path in files:
        content = path.read_bytes()
        catalogue.digest.update(f"{path.name} {len(content)}\n".encode() + content)
        try:
            root = yaml.compose(content.decode("utf-8"), Loader=yaml.SafeLoader)
        except UnicodeDecodeError as error:
            line = content[:error.start].count(b"\n") + 1
            catalogue.mistake(path, line, "not UTF-8", "save the file as UTF-8")
            continue
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            catalogue.mistake(path, mark.line + 1 if mark else 0, f"no YAML: {error.problem}",
                              "mend the line")
            continue
        except yaml.YAMLError as error:
            catalogue.mistake(path, 0, f"no YAML: {str(error).splitlines()[0]}", "mend the file")
            continue
        if not isinstance(root, yaml.SequenceNode):
            catalogue.mistake(path, 1, "not a list of rules", "begin each rule with `- id:`")
            continue
        for node in root.value:
            read_rule(catalogue, path, node)
    catalogue.rules.sort(key=lambda rule: rule["id"])
    by_constant = {}
    for rule in catalogue.rules:
        other = by_constant.setdefault(rule["constant"], rule)
        if other is not rule:
            file, line = rule["place"]
            catalogue.mistake(file, line,
                              f"{rule['id']} and {other['id']} (at {other['place'][0]}:"
                              f"{other['place'][1]}) have the same id or constant", "rename one")
    return catalogue


def literal(value):
    """A C++ string literal; bytes outside printable ASCII as three octal digits."""
    out = []
    for byte in value.encode("utf-8"):
        char = chr(byte)
        if char in '"\\':
            out.append("\\" + char)
        elif 0x20 <= byte < 0x7F:
            out.append(char)
        else:
            out.append(f"\\{byte:03o}")
    return '"' + "".join(out) + '"'


def header(rules):
    lines = ["// Made by tools/embed_rules.py from rules/*.yaml. Do not edit.", "#pragma once", "",
             '#include "core/rule.h"', "", "namespace davy::rules {", ""]
    for index, rule in enumerate(rules):
        lines += [f"// {rule['id']}: {rule['title']}",
                  f"inline constexpr RuleId {rule['constant']}{{{index}}};"]
    lines += ["", "}  // namespace davy::rules", ""]
    return "\n".join(lines)


def source(rules, digest):
    lines = ["// Made by tools/embed_rules.py from rules/*.yaml. Do not edit.",
             '#include "core/rule.h"', "", "namespace davy {", "namespace {", ""]
    for index, rule in enumerate(rules):
        references = ", ".join("{" + ", ".join(literal(part) for part in reference) + "}"
                               for reference in rule["references"])
        lines.append(f"constexpr Reference kReferences{index}[] = {{{references}}};")
    lines += ["", "constexpr RuleInfo kRules[] = {"]
    for index, rule in enumerate(rules):
        lines.append(
            f"    {{{literal(rule['id'])}, {literal(rule['title'])}, {literal(rule['pillar'])},\n"
            f"     Severity::{rule['severity']}, Mode::{rule['mode']}, {literal(rule['since'])},\n"
            f"     {literal(rule['why'])},\n     {literal(rule['fix'])}, kReferences{index}}},")
    lines += ["};", "", "}  // namespace", "",
              "std::span<const RuleInfo> catalogue() noexcept { return kRules; }", "",
              "std::string_view catalogue_digest() noexcept {", f'  return "{digest}";', "}", "",
              "}  // namespace davy", ""]
    return "\n".join(lines)


def write_if_changed(path, content):
    if not path.exists() or path.read_text(encoding="utf-8") != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


def check_used(catalogue, source_folder):
    used = set()
    names = re.compile(r"\bk[A-Z][A-Za-z0-9]*\b")
    for path in sorted(pathlib.Path(source_folder).rglob("*")):
        if path.suffix not in (".cc", ".h") or path.name.endswith(NOT_PRODUCT):
            continue
        code = COMMENT_OR_LITERAL.sub(" ", path.read_text(encoding="utf-8", errors="replace"))
        used.update(names.findall(code))
    for rule in catalogue.rules:
        if rule["constant"] not in used:
            file, line = rule["place"]
            catalogue.mistake(file, line, f"no code uses {rule['id']}",
                              f"use rules::{rule['constant']} in a source below {source_folder}, "
                              "or take the rule out")


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rules", required=True, help="folder with *.yaml")
    parser.add_argument("--out", help="folder for rules.h and catalogue.cc")
    parser.add_argument("--check-used", action="store_true")
    parser.add_argument("--source", help="folder with the code, for --check-used")
    options = parser.parse_args(arguments)
    if options.check_used and not options.source:
        parser.error("--check-used needs --source")
    if not options.check_used and not options.out:
        parser.error("name --out, or ask for --check-used")

    catalogue = read_catalogue(options.rules)
    if not catalogue.mistakes and options.check_used:
        check_used(catalogue, options.source)
    if catalogue.mistakes:
        print("\n".join(catalogue.mistakes), file=sys.stderr)
        return 1
    if options.out:
        out = pathlib.Path(options.out)
        write_if_changed(out / "rules.h", header(catalogue.rules))
        write_if_changed(out / "catalogue.cc",
                         source(catalogue.rules, catalogue.digest.hexdigest()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
