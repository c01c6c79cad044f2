"""What a process gives up before it runs a strategy that is not trusted. None of it can be had back."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import resource
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38
_CAPABILITY_VERSION: Final = 0x20080522

# linux/landlock.h; the numbers of the calls are those of all machines.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_CREATE_RULESET_VERSION: Final = 1
_RULE_PATH_BENEATH: Final = 1
_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
# How many of the rights on files each version of the kernel's interface knows; and both on TCP, and on signals and sockets outside.
_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 4: 15}
_RIGHTS_NOW: Final = 16
_TCP_SINCE, _TCP = 4, 0b11
_SCOPE_SINCE, _SCOPE = 6, 0b11
# linux/seccomp.h, filter.h and audit.h: by machine its architecture, and the numbers of clone, clone3, and fork and vfork, if it has them.
_PR_SET_SECCOMP: Final = 22
_SECCOMP_MODE_FILTER: Final = 2
_MACHINES: Final = {"x86_64": (0xC000003E, 56, 435, 57, 58), "aarch64": (0xC00000B7, 220, 435)}
_LOAD, _EQUAL, _ABOVE, _HAS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
_X32: Final = 0x40000000
_CLONE_THREAD: Final = 0x00010000
# What an interpreter reads besides its own.
_SYSTEM: Final = (
    "/usr",
    "/lib",
    "/lib64",
    "/proc",
    "/sys",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/dev/urandom",
    "/dev/zero",
)


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("tcp", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("descriptor", ctypes.c_int32))


class _Step(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("value", ctypes.c_uint32))


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("steps", ctypes.POINTER(_Step)))


def confine(parent: int, memory_mb: int) -> None:
    """End with the parent, leave no dump, make no file longer, take no more memory than allowed, have no privileges and gain none.

    When the machine runs short of memory, this process is the first to go.
    """
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.getppid() != parent:
        # It had gone before it was said that we go with it.
        sys.exit(1)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    memory = memory_mb << 20
    # A full disk would stop the journals of all.
    for limit, most in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_AS, memory)):
        resource.setrlimit(limit, (most, most))
    # Of root: what sees into any process, Landlock or not. Three sets of 64 bits, all of them empty.
    libc.capset((ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0), (ctypes.c_uint32 * 6)())


def fence(strategy: str) -> bool:
    """Read no file but the interpreter's, its packages' and the strategy's; change none, start no process, connect nowhere by TCP.

    Other processes are out of reach, too: their memory, their environment and (since Linux 6.12) signals to them. Return whether the
    kernel can do it (Landlock, since Linux 5.13, and seccomp).
    """
    libc = ctypes.CDLL(None)
    return _stay_alone(libc) and _keep_to(libc, _readable(strategy))


def _stay_alone(libc: ctypes.CDLL) -> bool:
    """Start threads, but no process: that would not end with the runner."""
    machine = _MACHINES.get(os.uname().machine)
    if machine is None:
        return False
    architecture, clone, clone3, *forks = machine
    # Each test goes on with the next step, or answers with the one behind it.
    steps = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, architecture), (_RETURN, 0, 0, _ERROR | errno.EPERM), (_LOAD, 0, 0, 0)]
    # The flags of clone3 lie where no filter can look: the C library then takes clone.
    steps += [(_EQUAL, 0, 1, clone3), (_RETURN, 0, 0, _ERROR | errno.ENOSYS)]
    steps += [step for number in forks for step in ((_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ERROR | errno.EPERM))]
    steps += [(_ABOVE, 0, 1, _X32), (_RETURN, 0, 0, _ERROR | errno.EPERM)]
    steps += [(_EQUAL, 1, 0, clone), (_RETURN, 0, 0, _ALLOW), (_LOAD, 0, 0, 16)]
    steps += [(_HAS, 0, 1, _CLONE_THREAD), (_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _ERROR | errno.EPERM)]
    program = (_Step * len(steps))(*(_Step(*step) for step in steps))
    filters = _Filter(length=len(steps), steps=program)
    return bool(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(filters), 0, 0) == 0)


def _keep_to(libc: ctypes.CDLL, readable: Iterable[str]) -> bool:
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _CREATE_RULESET_VERSION)
    if version < 1:
        return False
    ruleset = _Ruleset(
        files=(1 << _RIGHTS.get(version, _RIGHTS_NOW)) - 1,
        tcp=_TCP if version >= _TCP_SINCE else 0,
        scoped=_SCOPE if version >= _SCOPE_SINCE else 0,
    )
    # Earlier versions know the first field, or the first two: what is zero behind them is no fault.
    rules = libc.syscall(_CREATE_RULESET, ctypes.byref(ruleset), ctypes.c_size_t(ctypes.sizeof(ruleset)), 0)
    if rules < 0:
        return False
    try:
        for path in readable:
            _allow(libc, rules, path, _READ_FILE | _READ_DIR)
        _allow(libc, rules, "/dev/null", _READ_FILE | _WRITE_FILE)
        return bool(libc.syscall(_RESTRICT_SELF, rules, 0) == 0)
    finally:
        os.close(rules)


def _readable(strategy: str) -> Iterator[str]:
    yield from _SYSTEM
    yield from {sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix}
    yield from filter(None, sys.path)
    place = strategy.rpartition(":")[0]
    if place.endswith(".py"):
        # What lies beside it may be anybody's.
        yield place


def _allow(libc: ctypes.CDLL, rules: int, path: str, access: int) -> None:
    """Allow something on all that is beneath a path, if it is there."""
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not os.path.isdir(path):  # noqa: PTH112 -- as it was opened
            access &= ~_READ_DIR
        beneath = _Beneath(allowed=access, descriptor=descriptor)
        libc.syscall(_ADD_RULE, rules, _RULE_PATH_BENEATH, ctypes.byref(beneath), 0)
    finally:
        os.close(descriptor)
