# SPDX-License-Identifier: Apache-2.0
"""What this machine does to a running box on a test's behalf, where no program of the box could do it."""

from __future__ import annotations

import ctypes
import fcntl
import os
from collections.abc import Mapping
from pathlib import Path

from imagebuild.runtime import Box
from imagebuild.runtime.wine.box import WineBox

_libc = ctypes.CDLL(None, use_errno=True)
_NEWNS, _NEWUSER = 0x00020000, 0x10000000  # linux/sched.h
_GET_USERNS = 0xB701  # NS_GET_USERNS in linux/nsfs.h


def init(box: Box) -> int:
    """The id of process 1 of a running box."""
    assert isinstance(box, WineBox)
    child = box._child
    assert child is not None
    return child.init_pid


def mount_over(box: Box, target: str, account: int, files: Mapping[str, bytes]) -> None:
    """Mount an empty folder over one of the box's, as its account outside, and write these files there."""
    inside = init(box)
    child = os.fork()
    if not child:
        code = 1
        try:
            mounts = os.open(f"/proc/{inside}/ns/mnt", os.O_RDONLY)
            if os.geteuid() == 0:
                os.setgroups([])
                os.setresgid(account, account, account)
                os.setresuid(account, account, account)
            # Not that of process 1, which bubblewrap puts into a second one: the one that owns the mounts.
            _check(_libc.setns(fcntl.ioctl(mounts, _GET_USERNS), _NEWUSER))
            _check(_libc.setns(mounts, _NEWNS))
            _check(_libc.mount(b"none", target.encode(), b"tmpfs", 0, None))
            for name, content in files.items():
                Path(target, name).write_bytes(content)
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _check(result: int) -> None:
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
