#!/usr/bin/env python3
"""Compiles every file beside it with the build's own compiler, include paths and flags.

The first line of each says what must happen: `// expect: compiles`, or the parts of
which one must stand in an error (g++ and clang say things differently), separated
by ` | `. With --self-test it proves on two files of its own that it can fail.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def compile_one(file, compiler, flags):
    environment = dict(os.environ, LC_ALL="C")  # plain quotes in messages
    done = subprocess.run([compiler, "-fsyntax-only", *flags, str(file)], env=environment,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    return done.returncode, done.stdout


def expectation(file):
    first = file.read_text(encoding="utf-8").splitlines()[0]
    match = re.fullmatch(r"// expect: (\S.*)", first)
    if not match:
        return None
    return [part.strip() for part in match.group(1).split(" | ")]


def complaint(file, compiler, flags):
    """What is wrong with one file, or None."""
    expected = expectation(file)
    if expected is None:
        return "its first line must be `// expect: …`"
    status, output = compile_one(file, compiler, flags)
    if expected == ["compiles"]:
        return None if status == 0 else f"must compile, and does not:\n{output}"
    if status == 0:
        return f"must not compile, and does; expected: {' | '.join(expected)}"
    errors = "\n".join(line for line in output.splitlines() if "error:" in line)
    if not any(part in errors for part in expected):
        return f"fails for another reason than {' | '.join(expected)}:\n{output}"
    return None


def self_test(compiler, flags):
    with tempfile.TemporaryDirectory() as scratch:
        file = pathlib.Path(scratch) / "planted.cc"
        cases = [
            ("// expect: no such thing\nint a = 1;\n", "must not compile, and does"),
            ("// expect: no such thing\nint a = b;\n", "fails for another reason"),
            ("// expect: compiles\nint a = b;\n", "must compile, and does not"),
            ("int a = 1;\n", "first line"),
        ]
        for text, wanted in cases:
            file.write_text(text, encoding="utf-8")
            said = complaint(file, compiler, flags)
            if said is None or wanted not in said:
                print(f"self-test: expected a complaint with `{wanted}`, got {said!r}")
                return 1
    print(f"{len(cases)} planted faults were caught")
    return 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("compiler")
    parser.add_argument("flags", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    flags = [flag for flag in arguments.flags if flag and flag != "--"]
    if arguments.self_test:
        return self_test(arguments.compiler, flags)

    files = sorted(HERE.glob("*.cc"))
    wrong = 0
    for file in files:
        said = complaint(file, arguments.compiler, flags)
        print(f"{'FAIL' if said else 'ok  '} {file.name}")
        if said:
            wrong += 1
            print(said)
    controls = sum(expectation(file) == ["compiles"] for file in files)
    if controls == 0 or controls == len(files):
        print("there must be files that compile and files that do not")
        return 1
    print(f"{len(files)} files, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
