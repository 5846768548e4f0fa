#!/usr/bin/env python3
"""Holds what every module owes its readers.

- A folder src/pillars/*/* with code has a README.md of at most 25 lines.
- Headers should have at most 200 lines and sources 400 (a warning); 300 and 600 fail.
- A module that says Posture::untrusted_input has a fuzzer: a *_fuzz.cc in its folder,
  or one that a comment above the posture names (`fuzzer: mechanisms/net/http1/x_fuzz.cc`).
Exit status: 0 clean, 1 violations, 2 nothing to examine.
"""
import argparse
import pathlib
import re
import sys

import cpp_text

README_LINES = 25
# suffix -> (guide, bound). STYLE of the project: headers 200, sources 400.
LENGTHS = {".h": (200, 300), ".cc": (400, 600)}
MODULE = re.compile(r'"((?:base|core|mechanisms|pillars|surfaces|app)(?:/[a-z0-9_]+)*)"')
FUZZER = re.compile(r"fuzzer: *(\S+_fuzz\.cc)")


def lines_of(file):
    return len(file.read_text(encoding="utf-8").splitlines())


def check_readmes(source, problems):
    for folder in sorted(p for p in source.glob("pillars/*/*") if p.is_dir()):
        if not any(f.suffix in (".h", ".cc") for f in folder.iterdir()):
            continue
        readme = folder / "README.md"
        name = folder.relative_to(source.parent)
        if not readme.is_file():
            problems.append(f"{name}: has code and no README.md")
        elif (count := lines_of(readme)) > README_LINES:
            problems.append(f"{name}/README.md: {count} lines; at most {README_LINES}")


def check_lengths(source, files, problems, warnings):
    for file in files:
        if not cpp_text.is_product(file.as_posix()):
            continue
        guide, bound = LENGTHS[file.suffix]
        count = lines_of(file)
        text = f"{file.relative_to(source.parent)}: {count} lines"
        if count > bound:
            problems.append(f"{text}; at most {bound}: split it")
        elif count > guide:
            warnings.append(f"{text}; the guide is {guide}")


def declared_untrusted(source, files):
    """(file, line, module folder, named fuzzers) of each posture that is declared."""
    for file in files:
        if not cpp_text.is_product(file.as_posix()) or file.stem == "module":
            continue
        text = file.read_text(encoding="utf-8")
        code = cpp_text.code_only(text)
        for match in re.finditer(r"\bPosture::untrusted_input\b", code):
            # A comparison or a case declares nothing.
            if re.search(r"(==|!=|\bcase)\s*(\w+::)*$", code[:match.start()]):
                continue
            # The entry: from the last statement's or entry's end to the posture.
            before = text[max(0, match.start() - 800):match.start()]
            named = list(MODULE.finditer(before))
            entry = before[named[-1].start():] if named else before[-400:]
            head = before[:named[-1].start()][-200:] if named else ""
            folder = named[-1].group(1) if named else file.parent.relative_to(source).as_posix()
            fuzzers = FUZZER.findall(head[head.rfind("}") + 1:] + entry)
            yield file, cpp_text.line_of(text, match.start()), folder, fuzzers


def check_postures(source, files, problems):
    count = 0
    for file, line, folder, fuzzers in declared_untrusted(source, files):
        count += 1
        where = f"{file.relative_to(source.parent)}:{line}"
        gone = [one for one in fuzzers if not (source / one).is_file()]
        for one in gone:
            problems.append(f"{where}: {folder} names the fuzzer {one}, which is not there")
        if not fuzzers and not list((source / folder).rglob("*_fuzz.cc")):
            problems.append(f"{where}: {folder} says untrusted_input and has no fuzzer")
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parent.parent)
    source = parser.parse_args().root / "src"
    files = sorted(p for p in source.rglob("*") if p.suffix in LENGTHS)
    if not files:
        print(f"nothing to examine below {source}", file=sys.stderr)
        return 2
    problems, warnings = [], []
    check_readmes(source, problems)
    check_lengths(source, files, problems, warnings)
    postures = check_postures(source, files, problems)
    for warning in warnings:
        print(f"warning: {warning}")
    for problem in problems:
        print(problem)
    print(f"{len(files)} files and {postures} untrusted postures examined, "
          f"{len(problems)} violations, {len(warnings)} warnings")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
