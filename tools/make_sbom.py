#!/usr/bin/env python3
"""Says what a binary of ours is made of: every Debian package whose headers, archives or
shared libraries went into it, as CycloneDX 1.5 JSON, and their copyright notices.

It asks ninja for the files from which the target was made and dpkg for the packages that
they belong to, so a library cannot be forgotten.

Usage: make_sbom.py --build DIR --target davy --version V --epoch N --out FILE
                    [--licences DIR]
Exit status: 0, or 2 when something cannot be found out.
"""
import argparse
import datetime
import json
import os
import pathlib
import subprocess
import sys
import uuid

DOCUMENTS = pathlib.Path("/usr/share/doc")


class Trouble(Exception):
    pass


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise Trouble(f"{' '.join(command[:4])}…: {done.stderr.strip()}")
    return done.stdout


def inputs(build, target):
    """Paths outside the build folder and the tree: what others gave."""
    direct = run("ninja", "-C", build, "-t", "inputs", target).splitlines()
    objects = [one for one in direct if one.endswith(".o")]
    if not objects:
        raise Trouble(f"{build}: nothing is built for {target}")
    headers = [line.strip() for line in run("ninja", "-C", build, "-t", "deps", *objects).splitlines()
               if line.startswith("    ")]
    needed = [words[2] for words in map(str.split, run("ldd", f"{build}/{target}").splitlines())
              if len(words) > 2 and words[1] == "=>"]
    link = run("ninja", "-C", build, "-t", "commands", target).splitlines()[-1].split()
    compiler = next(word for word in link if os.path.basename(word) not in (":", "&&", "ccache"))
    runtime = [run(compiler, f"-print-file-name={archive}").strip()
               for flag, archive in (("-static-libstdc++", "libstdc++.a"),
                                     ("-static-libgcc", "libgcc_eh.a")) if flag in link]
    return sorted({os.path.realpath(one) for one in direct + headers + needed + runtime
                   if one.startswith("/usr/") or one.startswith("/lib")})


def how(path):
    """How a file became part of the binary."""
    if path.endswith(".a"):
        return "static"
    return "shared" if ".so" in os.path.basename(path) else "headers"


def packages_of(paths):
    """package → how its files are used. A file may be listed as /lib/… or /usr/lib/…."""
    known = {}
    for file in pathlib.Path("/var/lib/dpkg/info").glob("*.list"):
        package = file.name[:-len(".list")]
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            known.setdefault(line, package)
    used = {}
    for path in paths:
        if os.path.isdir(path):
            continue
        package = known.get(path) or known.get(path.removeprefix("/usr"))
        if package is None:
            raise Trouble(f"{path} belongs to no Debian package")
        used.setdefault(package, set()).add(how(path))
    return used


def described(used):
    """One component a source package, which is what advisories name."""
    sources = {}
    form = "${source:Package}\t${source:Version}"
    for package, ways in sorted(used.items()):
        name, version = run("dpkg-query", "-W", "-f", form, package).split("\t")
        one = sources.setdefault((name, version), {"packages": [], "ways": set()})
        one["packages"].append(package)
        one["ways"] |= ways
    return [{"type": "library", "bom-ref": f"{name}@{version}", "name": name, "version": version,
             "purl": f"pkg:deb/debian/{name}@{version}?arch=source&distro=debian-12",
             "scope": "required",
             "properties": [{"name": "davylamp:linkage", "value": way} for way in sorted(one["ways"])]
             + [{"name": "davylamp:package", "value": package} for package in one["packages"]]}
            for (name, version), one in sorted(sources.items())]


def document(components, version, epoch, target):
    product = {"type": "application", "bom-ref": "davylamp", "name": "davylamp",
               "version": version, "licenses": [{"license": {"id": "Apache-2.0"}}]}
    body = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc)
                         .strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": product,
        },
        "components": components,
        "dependencies": [{"ref": "davylamp", "dependsOn": [c["bom-ref"] for c in components]}],
    }
    # The same contents have the same number, on every machine.
    number = uuid.uuid5(uuid.NAMESPACE_URL, target + json.dumps(body, sort_keys=True))
    return {**body, "serialNumber": f"urn:uuid:{number}"}


def copy_licences(components, folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for component in components:
        names = [p["value"].split(":")[0] for p in component["properties"]
                 if p["name"] == "davylamp:package"]
        notice = next((DOCUMENTS / n / "copyright" for n in names
                       if (DOCUMENTS / n / "copyright").is_file()), None)
        if notice is None:
            raise Trouble(f"{component['name']} has no copyright notice in {DOCUMENTS}")
        (folder / f"{component['name']}.txt").write_bytes(notice.read_bytes())


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--build", required=True)
    options.add_argument("--target", required=True)
    options.add_argument("--version", required=True)
    options.add_argument("--epoch", required=True, type=int)
    options.add_argument("--out", required=True)
    options.add_argument("--licences")
    given = options.parse_args()
    try:
        components = described(packages_of(inputs(given.build, given.target)))
        if given.licences:
            copy_licences(components, given.licences)
        text = json.dumps(document(components, given.version, given.epoch, given.target), indent=1)
        pathlib.Path(given.out).write_text(text + "\n", encoding="utf-8")
    except (Trouble, OSError) as error:
        print(f"make_sbom.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
