#!/usr/bin/env python3
"""Holds where `co_await` may stand: g++ 12 makes wrong code of some places.

Not in a condition of if, while, for or switch, and not beside `&&`, `||` or `?:` in one
expression (seen: an illegal instruction, and a coroutine that ran although it should not).
Await into a variable first. What lies in braces of its own (a lambda's body) is judged by
itself.
Exit status: 0 clean, 1 violations, 2 nothing to examine.
"""
import argparse
import pathlib
import re
import sys

import cpp_text

AWAIT = re.compile(r"\bco_await\b")
CONDITION = re.compile(r"\b(if|while|for|switch)\s*(constexpr\s*)?\($")
LOGIC = re.compile(r"&&|\|\||\?")
OPEN, CLOSE = "([{", ")]}"


def enclosing(code, at):
    """Offsets of the brackets that are open at `at`, from the outermost, within the
    innermost braces."""
    depth, found = 0, []
    for i in range(at - 1, -1, -1):
        if code[i] in CLOSE:
            depth += 1
        elif code[i] in OPEN:
            if depth == 0:
                if code[i] == "{":
                    break
                found.append(i)
            else:
                depth -= 1
    return found[::-1]


def statement(code, at):
    """The text of the statement around `at` without what lies in braces within it."""
    begin, depth = at, 0
    while begin > 0:
        c = code[begin - 1]
        if c in CLOSE:
            depth += 1
        elif c in OPEN:
            if depth == 0 and c == "{":
                break
            depth = max(0, depth - 1)
        elif c == ";" and depth == 0:
            break
        begin -= 1
    end, depth = at, 0
    while end < len(code):
        c = code[end]
        if c in OPEN:
            depth += 1
        elif c in CLOSE:
            if depth == 0 and c == "}":
                break
            depth = max(0, depth - 1)
        elif c == ";" and depth == 0:
            break
        end += 1
    text = code[begin:end]
    while (less := re.sub(r"\{[^{}]*\}", " ", text)) != text:
        text = less
    return text


def without_condition(text):
    """`if (…) x` becomes `x`: what was asked before is an expression of its own."""
    match = re.match(r"\s*(else\s+)?(if|while|for|switch)\s*(constexpr\s*)?\(", text)
    if not match:
        return text
    depth = 1
    for i in range(match.end(), len(text)):
        depth += (text[i] == "(") - (text[i] == ")")
        if depth == 0:
            return without_condition(text[i + 1:])
    return text


def problems_of(text):
    code = cpp_text.code_only(text)
    for match in AWAIT.finditer(code):
        line = cpp_text.line_of(code, match.start())
        if any(CONDITION.search(code[:i + 1][-40:]) for i in enclosing(code, match.start())):
            yield line, "co_await in a condition"
            continue
        rest = without_condition(statement(code, match.start()))
        if "co_await" in rest and LOGIC.search(re.sub(r"\[[^\]]*\]|\w&&\s*\w+\s*[,)]", "", rest)):
            yield line, "co_await beside &&, || or ?:"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parent.parent)
    source = parser.parse_args().root / "src"
    files = sorted(f for f in source.rglob("*") if f.suffix in (".h", ".cc"))
    if not files:
        print(f"check_coroutines: nothing to examine in {source}", file=sys.stderr)
        return 2
    found = 0
    for file in files:
        for line, what in problems_of(file.read_text(encoding="utf-8")):
            print(f"{file.relative_to(source.parent)}:{line}: {what}: await into a variable first")
            found += 1
    print(f"check_coroutines: {len(files)} files, {found} problems")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
