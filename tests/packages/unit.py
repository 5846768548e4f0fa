"""Starts a program as the systemd unit would: the unit's user, its limits, and the system
calls, address families and mappings that it allows. Not what needs mount namespaces.

Where the unit says "fail with EPERM" this kills, so that a test sees what was tried.
"""

import ctypes
import os
import pathlib
import re
import resource
import socket
import struct
import subprocess

ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
EAFNOSUPPORT = 97
LOAD, AND, EQUAL, RETURN = 0x20, 0x54, 0x15, 0x06
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP = 38, 22


def settings(unit):
    """Name → values, in order, of the unit file; an empty value begins anew, as in systemd."""
    out = {}
    for line in pathlib.Path(unit).read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            out.setdefault(name, []).append(value)
    return out


def expanded(word):
    """The system calls of a word such as @system-service or ~@privileged."""
    if not word.startswith("@"):
        return {word}
    shown = subprocess.run(["systemd-analyze", "syscall-filter", word], check=True,
                           capture_output=True, text=True).stdout
    inner = re.findall(r"^    ([@a-z_0-9-]+)$", shown, re.MULTILINE)
    assert inner, f"systemd-analyze does not know {word}"
    return set().union(*map(expanded, inner))


def allowed_calls(unit):
    names = expanded("@default")
    for line in settings(unit)["SystemCallFilter"]:
        words = set().union(*(expanded(word) for word in line.lstrip("~").split()))
        names = names - words if line.startswith("~") else names | words
    return names


def preprocessed(names):
    """Name → value of those C macros that this machine has."""
    source = "#include <sys/syscall.h>\n#include <linux/audit.h>\n#include <elf.h>\n"
    source += "".join(f"\"{name}\" {name}\n" for name in names)
    text = subprocess.run(["cc", "-E", "-P", "-"], input=source, check=True, capture_output=True,
                          text=True).stdout
    return {name: int(value) for name, value in re.findall(r"^\"(\w+)\" (\d+)$", text, re.MULTILINE)}


def filter_of(unit):
    """The BPF program (seccomp(2)) of what the unit allows."""
    known = {name.removeprefix("__NR_"): number for name, number in
             preprocessed(f"__NR_{name}" for name in allowed_calls(unit)).items()}
    families = [int(getattr(socket, name))
                for name in settings(unit)["RestrictAddressFamilies"][0].split()]
    machine = {"x86_64": "EM_X86_64", "aarch64": "EM_AARCH64"}[os.uname().machine]
    # AUDIT_ARCH_… of a 64-bit machine that is little-endian (linux/audit.h).
    arch = preprocessed([machine])[machine] | 0xC0000000

    program = [(LOAD, 0, 0, 4), (EQUAL, 1, 0, arch), (RETURN, 0, 0, KILL), (LOAD, 0, 0, 0)]

    def argument(at):
        return (LOAD, 0, 0, 16 + 8 * at)  # its low half; both machines are little-endian

    # mmap(W and X) and mprotect(X), as MemoryDenyWriteExecute= has it.
    program += [(EQUAL, 0, 5, known["mmap"]), argument(2), (AND, 0, 0, 6), (EQUAL, 0, 1, 6),
                (RETURN, 0, 0, KILL), (RETURN, 0, 0, ALLOW)]
    program += [(EQUAL, 0, 5, known["mprotect"]), argument(2), (AND, 0, 0, 4), (EQUAL, 0, 1, 4),
                (RETURN, 0, 0, KILL), (RETURN, 0, 0, ALLOW)]
    program += [(EQUAL, 0, 2 + 2 * len(families), known["socket"]), argument(0)]
    for family in families:
        program += [(EQUAL, 0, 1, family), (RETURN, 0, 0, ALLOW)]
    program += [(RETURN, 0, 0, ERRNO | EAFNOSUPPORT)]
    for name, number in sorted(known.items(), key=lambda item: item[1]):
        if name not in ("mmap", "mprotect", "socket"):
            program += [(EQUAL, 0, 1, number), (RETURN, 0, 0, ALLOW)]
    return program + [(RETURN, 0, 0, KILL)]


class Sandbox:
    """`preexec` for subprocess.Popen."""

    def __init__(self, unit, uid=None, gid=None):
        self.code = b"".join(struct.pack("=HBBI", *step) for step in filter_of(unit))
        # No more than this machine lets its root have.
        self.files = min(int(settings(unit)["LimitNOFILE"][0]),
                         resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        self.umask = int(settings(unit)["UMask"][0], 8)
        self.user = (uid, gid)
        self.libc = ctypes.CDLL(None, use_errno=True)

    def preexec(self):
        resource.setrlimit(resource.RLIMIT_NOFILE, (self.files, self.files))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.umask(self.umask)
        uid, gid = self.user
        if uid is not None:
            os.setgroups([])
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
        code = ctypes.create_string_buffer(self.code, len(self.code))
        program = struct.pack("=HxxxxxxQ", len(self.code) // 8, ctypes.addressof(code))
        if self.libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "no_new_privs")
        if self.libc.prctl(PR_SET_SECCOMP, 2, ctypes.create_string_buffer(program), 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "seccomp")
