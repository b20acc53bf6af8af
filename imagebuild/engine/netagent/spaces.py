# SPDX-License-Identifier: Apache-2.0
"""Namespaces of Linux: entered, left and held by descriptors (``os.unshare`` is in Python from 3.12 on only)."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NEWUSER = 0x10000000
NEWNET = 0x40000000
_PDEATHSIG, _DUMPABLE = 1, 4
_SIGKILL = 9

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, doing: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), doing)


def unshare(flags: int) -> None:
    """Leave for new namespaces."""
    _check(_libc.unshare(flags), "unshare")


def enter(descriptor: int) -> None:
    """Go into the network namespace of a descriptor."""
    _check(_libc.setns(descriptor, NEWNET), "setns")


def here() -> int:
    """A descriptor of the network namespace that the process is in. The receiver closes it."""
    return os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


@contextmanager
def inside(descriptor: int, home: int) -> Iterator[None]:
    """In another network namespace for a while. Whatever goes wrong there, ``home`` is where the process is after."""
    enter(descriptor)
    try:
        yield
    finally:
        enter(home)


def become(uid: int, gid: int) -> None:
    """Be somebody else from now on, and readable to who is the same: :class:`~..port.Namespace` names files in
    ``/proc`` of this process."""
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    _check(_libc.prctl(_DUMPABLE, 1, 0, 0, 0), "prctl")


def die_with(parent: int) -> None:
    """Be killed when the thread that started this process ends. Lost by every change of who we are: call it last."""
    _check(_libc.prctl(_PDEATHSIG, _SIGKILL, 0, 0, 0), "prctl")
    if os.getppid() != parent:
        os._exit(1)


def own_world() -> None:
    """A user namespace where we are root, and a network namespace that belongs to it."""
    uid, gid = os.geteuid(), os.getegid()
    unshare(NEWUSER | NEWNET)
    Path("/proc/self/setgroups").write_bytes(b"deny")
    Path("/proc/self/uid_map").write_bytes(b"0 %d 1" % uid)
    Path("/proc/self/gid_map").write_bytes(b"0 %d 1" % gid)


def setting(name: str, value: str) -> None:
    """Set a ``net.`` sysctl of the network namespace the process is in, where the kernel has it."""
    with suppress(OSError):
        Path("/proc/sys/net", name).write_bytes(value.encode())
