#!/usr/bin/env python3
"""Holds the floors of ARCHITECTURE.md: who may include, and link, whom.

    base <- core <- mechanisms <- pillars <- surfaces <- app

Reads every #include below src/ and every module named in a CMakeLists.txt there.
Exit status: 0 clean, 1 violations, 2 nothing to examine.
"""
import argparse
import pathlib
import re
import sys

import cpp_text

FLOORS = ["base", "core", "mechanisms", "pillars", "surfaces", "app"]
# Each mechanism may use those before it.
MECHANISMS = ["formats", "crypto", "text", "learn", "telemetry", "store", "net", "dialects"]
PILLARS = ["data", "environment", "access", "guardrails", "delivery", "monitoring"]
SURFACES = ["gateway", "console", "cli", "practice"]
FOLDERS = {"mechanisms": MECHANISMS, "pillars": PILLARS, "surfaces": SURFACES}
# Made by the build from rules/; it stands beside core.
GENERATED = "generated"


def place(path):
    """(floor, folder) of a path below src/; folder is '' where the floor is flat.

    A string instead of a pair says why the path has no place in the house.
    """
    parts = pathlib.PurePosixPath(path).parts
    floor = parts[0]
    if floor == GENERATED:
        return "core", ""
    if floor not in FLOORS:
        return f"`{path}` is on no floor; the floors are {', '.join(FLOORS)}"
    if floor not in FOLDERS:
        return floor, ""
    if len(parts) < 2:
        return floor, ""
    if parts[1] not in FOLDERS[floor]:
        return f"`{floor}/{parts[1]}` is not known; {floor} has {', '.join(FOLDERS[floor])}"
    return floor, parts[1]


def refusal(user, used):
    """Why `user` may not use `used` (paths below src/), or None."""
    here, there = place(user), place(used)
    for one in (here, there):
        if isinstance(one, str):
            return one
    (floor, folder), (other_floor, other) = here, there
    if FLOORS.index(other_floor) > FLOORS.index(floor):
        return f"{floor} may not use {other_floor}: arrows point down"
    if floor == "surfaces" and other_floor == "pillars":
        return "a surface sees pillars through the interfaces in core only"
    if floor != other_floor or folder == other:
        return None
    if floor == "mechanisms":
        if MECHANISMS.index(other) > MECHANISMS.index(folder):
            return f"mechanisms/{folder} may not use mechanisms/{other}, which comes after it"
    elif floor == "pillars":
        return f"pillars never use each other: {folder} uses {other}"
    elif floor == "surfaces":
        return f"surfaces never use each other: {folder} uses {other}"
    return None


def check_includes(source, problems):
    files = sorted(p for p in source.rglob("*") if p.suffix in (".h", ".cc"))
    for file in files:
        user = file.relative_to(source).as_posix()
        for line, name, quoted in cpp_text.includes(file.read_text(encoding="utf-8")):
            ours = name.split("/")[0] in FLOORS + [GENERATED] and "/" in name
            if not ours:
                if quoted:
                    problems.append(f"src/{user}:{line}: \"{name}\": our headers are named by "
                                    "their path below src/, others in angle brackets")
                continue
            why = refusal(user, name)
            if why is None and name.split("/")[0] != GENERATED and not (source / name).is_file():
                why = f"`{name}` does not exist"
            if why is None and cpp_text.is_product(user) and not cpp_text.is_product(name):
                why = "only tests may use what is made for tests"
            if why:
                problems.append(f"src/{user}:{line}: includes {name}: {why}")
    return len(files)


def modules_named(text, known):
    """(line, path) of each module that a CMakeLists.txt names to use it."""
    text = re.sub(r"#[^\n]*", lambda m: " " * len(m.group()), text)
    lists = re.finditer(r"\b(?:USES|TEST_USES)\b([^)]*?)(?=\b[A-Z][A-Z_]{3,}\b\s|\))"
                        r"|\btarget_link_libraries\s*\(\s*\S+([^)]*)", text)
    for match in lists:
        group = 1 if match.group(1) is not None else 2
        for word in re.finditer(r"[\w/]+(?:::\w+)?", match.group(group)):
            name = word.group()
            if name.split("/")[0] in FLOORS:
                path = name
            elif name in known:
                path = known[name]
            else:
                continue
            yield cpp_text.line_of(text, match.start(group) + word.start()), path


def check_cmake(source, problems):
    files = sorted(source.rglob("CMakeLists.txt"))
    known = {"davy_" + f.parent.relative_to(source).as_posix().replace("/", "_"):
             f.parent.relative_to(source).as_posix() for f in files if f.parent != source}
    for file in files:
        user = file.parent.relative_to(source).as_posix()
        for line, used in modules_named(file.read_text(encoding="utf-8"), known):
            why = refusal(user, used)
            if why is None and not (source / used).is_dir():
                why = f"there is no src/{used}"
            if why:
                problems.append(f"src/{user}/CMakeLists.txt:{line}: uses {used}: {why}")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parent.parent)
    source = parser.parse_args().root / "src"
    problems = []
    examined = check_includes(source, problems)
    check_cmake(source, problems)
    for problem in problems:
        print(problem)
    if examined == 0:
        print(f"nothing to examine below {source}", file=sys.stderr)
        return 2
    print(f"{examined} files examined, {len(problems)} violations of the floors")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
