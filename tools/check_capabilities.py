#!/usr/bin/env python3
"""Holds tools/capabilities.yaml: which files may do what an auditor looks for first.

A use outside the list is a violation; so is an entry that nothing needs any more.
--list prints every use, for whoever writes an entry.
Exit status: 0 clean, 1 violations, 2 bad list or nothing to examine.
"""
import argparse
import fnmatch
import pathlib
import re
import sys

import yaml

import cpp_text


class BadList(Exception):
    pass


def only(mapping, allowed, where):
    if not isinstance(mapping, dict):
        raise BadList(f"{where}: expected a map, got {mapping!r}")
    for key in mapping:
        if key not in allowed:
            raise BadList(f"{where}: unknown key `{key}`; known are {', '.join(allowed)}")


def load(file):
    capabilities = yaml.safe_load(file.read_text(encoding="utf-8"))
    only(capabilities, list(capabilities or {}), file.name)
    for name, capability in capabilities.items():
        only(capability, ["means", "includes", "code", "except", "tests", "allow"], name)
        if not capability.get("means"):
            raise BadList(f"{name}: `means` is missing")
        if not capability.get("includes") and not capability.get("code"):
            raise BadList(f"{name}: neither `includes` nor `code`: it can never be found")
        for entry in capability.get("allow") or []:
            only(entry, ["path", "why"], name)
            if not entry.get("path") or not entry.get("why"):
                raise BadList(f"{name}: every entry needs `path` and `why`: {entry}")
    return capabilities


def uses(capability, text):
    """(line, what) of each use in one file."""
    wanted = capability.get("includes") or []
    for line, name, _ in cpp_text.includes(text):
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in wanted):
            yield line, f"#include <{name}>"
    code = cpp_text.code_only(text)
    for pattern in capability.get("except") or []:
        code = re.sub(pattern, lambda m: re.sub(r"[^\n]", " ", m.group()), code)
    for pattern in capability.get("code") or []:
        for match in re.finditer(pattern, code):
            yield cpp_text.line_of(code, match.start()), match.group().strip()


def covers(path, file):
    """A path that ends in / allows the folder, any other the one file; * within a name."""
    if path.endswith("/"):
        return file.startswith(path)
    return fnmatch.fnmatchcase(file, path) and path.count("/") == file.count("/")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parent.parent)
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    root = arguments.root
    try:
        capabilities = load(root / "tools" / "capabilities.yaml")
    except (BadList, OSError, yaml.YAMLError) as error:
        print(f"capabilities.yaml: {error}", file=sys.stderr)
        return 2

    files = sorted(p for p in (root / "src").rglob("*") if p.suffix in (".h", ".cc"))
    if not files:
        print(f"nothing to examine below {root / 'src'}", file=sys.stderr)
        return 2
    texts = {p.relative_to(root).as_posix(): p.read_text(encoding="utf-8") for p in files}

    problems = 0
    for name, capability in capabilities.items():
        entries = capability.get("allow") or []
        needed = set()
        for file, text in texts.items():
            if not cpp_text.is_product(file) and not capability.get("tests"):
                continue
            allowed = [e["path"] for e in entries if covers(e["path"], file)]
            for line, what in uses(capability, text):
                needed.update(allowed)
                if arguments.list:
                    print(f"{name}: {file}:{line}: {what}")
                elif not allowed:
                    problems += 1
                    print(f"{file}:{line}: {what}: `{name}` ({capability['means']}) is not "
                          "allowed here; see tools/capabilities.yaml")
        for entry in entries:
            if entry["path"] not in needed and not arguments.list:
                problems += 1
                print(f"tools/capabilities.yaml: {name}: {entry['path']} does not need it "
                      "any more; take the entry out")
    if not arguments.list:
        print(f"{len(texts)} files examined for {len(capabilities)} capabilities, "
              f"{problems} violations")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
