# SPDX-License-Identifier: Apache-2.0
"""Starts bubblewrap for a box's first program, and nsenter for those that join it. Argument vectors and descriptors.

Both hand on an environment of ours and nothing of the host's. A joining program gets what bubblewrap gave the first:
the same namespaces, the same filter and no new privileges (``nsenter`` sets neither, ``setpriv`` inside does). Programs
of the box see it come, and could trace it between its entry and the filter: so it enters under a filter too, the same
but for the calls that enter. Both filters are the engine's, in sealed memory that the program inherits: no file of the
box is read for them.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import ToolError
from .. import install as wine_install
from ..port import Limits, Namespace, Stdio
from . import bwrap, joined, notice, seccomp
from .account import Account
from .limits import Group, prefix
from .notice import ended, wait

MOUNT_SECONDS = 30
"""How long bubblewrap may take to make the mounts: some milliseconds are usual."""
TOLD_SECONDS = 30.0
"""The same for its child, the box's process 1."""
LAUNCHER = f"{bwrap.PROGRAMS}/launcher.exe"


@dataclass(frozen=True, slots=True)
class Child:
    """What was started: ``popen`` is bubblewrap or nsenter. ``init`` is a pidfd of the box's process 1, owned by the
    receiver, -1 for a joining program; ``init_pid`` its id. ``joined`` is a pidfd of nsenter, the receiver's too, made
    before anybody can have waited for it."""

    popen: subprocess.Popen[bytes]
    init: int = -1
    init_pid: int = 0
    joined: int = -1


def memory_file(content: bytes, name: str) -> int:
    """An unnamed file with this content, to be read from its start, which nothing that inherits it can change."""
    descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(content)
        os.lseek(descriptor, 0, os.SEEK_SET)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS,
                    fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def first(account: Account, group: Group, limits: Limits, network: Namespace | None, stdio: Stdio, *, terminal: bool,
          command: Sequence[str], etc: Mapping[str, bytes], arguments: Callable[[bwrap.Descriptors], list[str]],
          inherited: Iterable[int] = (), check: Callable[[int], None] | None = None) -> Child:
    """Start a box with these files in ``/etc``. ``arguments`` makes bubblewrap's from the descriptors it gets.
    ``check`` is given the box's process 1 when its mounts are made and nothing runs yet, and may raise. Called on the
    starter's thread.

    ToolError when bubblewrap ends before the box is made; what it said went to ``stdio.stderr``.
    """
    with ExitStack() as stack:
        def keep(descriptor: int) -> int:
            stack.callback(os.close, descriptor)
            return descriptor

        told, info = os.pipe()
        keep(told)
        os.set_blocking(told, False)
        ours = stack.enter_context(ExitStack())
        ours.callback(os.close, info)
        block = -1
        if group.blocks or check:
            block, release = map(keep, os.pipe())
        mounted = -1
        if check:
            # Nothing is sent: bubblewrap reads an empty file, and when it closes its end ours is told.
            closes, theirs = socket.socketpair()
            stack.callback(closes.close)
            closes.shutdown(socket.SHUT_WR)
            mounted = theirs.detach()
            ours.callback(os.close, mounted)
        filtered = keep(memory_file(seccomp.program(), "filter"))
        files = tuple((name, keep(memory_file(content, name.rpartition("/")[2]))) for name, content in etc.items())
        inside = bwrap.Descriptors(filtered, info, block, files, mounted)
        packed = keep(memory_file(bwrap.pack(arguments(inside)), "arguments"))
        passed = [packed, filtered, info, *inherited, *(file for _unused, file in files),
                  *(one for one in (block, mounted) if one >= 0)]
        argv = [*_outside(terminal, limits, group), *_enter(network, account), wine_install.find("bwrap"),
                "--args", str(packed), *command]
        become = {} if network and network.user else account.popen()
        with group.entered(affinity=True):
            popen = _popen(argv, stdio, {}, passed, become)
        ours.close()  # so that the pipe ends with bubblewrap
        try:
            pid = _told(told)
            init = os.pidfd_open(pid) if pid else -1
        except ProcessLookupError:
            init = -1
        except BaseException:
            popen.kill()
            popen.wait()
            raise
        if init < 0:
            popen.kill()
            raise ToolError("cannot start a sandbox", program="bwrap", code=popen.wait(),
                            why=f"bubblewrap ended with {popen.returncode} before the first program",
                            hint="its message is in the program's error output; are user namespaces allowed here?")
        try:
            if check:
                wait(MOUNT_SECONDS, closes.fileno(), init)
                if not ended(init):  # else it has said why
                    check(pid)
            if group.blocks:
                group.add(pid)
            if block >= 0:
                os.write(release, b"x")
        except BaseException as error:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(init, signal.SIGKILL)
            os.close(init)
            popen.wait()
            if not isinstance(error, OSError):
                raise
            raise ToolError("cannot limit a sandbox", program="bwrap",
                            why=f"its cgroup says: {error.strerror}") from error
        return Child(popen, init, pid)


def joining(init_pid: int, account: Account, group: Group, limits: Limits, stdio: Stdio, environment: Mapping[str, str],
            command: Sequence[str], *, terminal: bool) -> Child:
    """Start one more program in the box whose process 1 is ``init_pid``. Called on the starter's thread."""
    enter = [wine_install.find("nsenter"), f"--target={init_pid}", "--user", "--mount", "--pid", "--uts", "--ipc",
             "--net", "--cgroup", "--preserve-credentials", "--root", f"--wdns={bwrap.DRIVE_C}"]
    if group.blocks:
        enter.append("--join-cgroup")
    # By itself: setpriv loads a filter before it changes the user, which a filter may let fail silently.
    become = [wine_install.SETPRIV, f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups"]
    with ExitStack() as stack:
        entering = memory_file(seccomp.program(entering=True), "filter")
        stack.callback(os.close, entering)
        inside = memory_file(seccomp.program(), "filter")
        stack.callback(os.close, inside)
        argv = [*_outside(terminal, limits, group), *(become if account.drop else []), *_filtered(entering), *enter,
                *_filtered(inside), *command]
        with group.entered(affinity=True):
            popen = _popen(argv, stdio, environment, (entering, inside), {})
    try:
        return Child(popen, joined=os.pidfd_open(popen.pid))
    except OSError as error:
        joined.end(popen)
        raise ToolError("cannot start a program in the box", why=error.strerror or str(error)) from error


def open_drive(child: Child) -> int | None:
    """Drive C in the mount namespace of a box's process 1, as a descriptor (O_PATH) of the caller's; ``None`` when the
    box has ended. ToolError."""
    try:
        here = os.open(f"/proc/{child.init_pid}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        for name in Path(bwrap.DRIVE_C).parts[1:]:
            try:
                there = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here)
            finally:
                os.close(here)
            here = there
    except (FileNotFoundError, ProcessLookupError):
        return None
    except OSError as error:
        raise ToolError("cannot open the drive of a box", program="bwrap",
                        why=error.strerror or str(error)) from error
    if notice.ended(child.init):  # its number may have been another process's
        os.close(here)
        return None
    return here


def _outside(terminal: bool, limits: Limits, group: Group) -> list[str]:
    """What runs on the host's side of the program: a session with the terminal as its own, and limits."""
    session = [wine_install.find("setsid"), "--ctty"] if terminal else []
    return session + (prefix(limits, wine_install.find("prlimit")) if limits.memory is not None else [])


def _filtered(descriptor: int) -> list[str]:
    """``/proc`` is this machine's before the entry and the box's after it; both are the kernel's own."""
    return [wine_install.SETPRIV, "--no-new-privs", "--seccomp-filter", f"/proc/self/fd/{descriptor}"]


def _enter(network: Namespace | None, account: Account) -> list[str]:
    """Root of a user namespace is its owner outside, the account: with ``nsenter``'s own change of the user a root
    engine has become it."""
    if network is None:
        return []
    user = [f"--user={network.user}", *([] if account.drop else ["--preserve-credentials"])] if network.user else []
    return [wine_install.find("nsenter"), *user, f"--net={network.net}"]


def _popen(argv: Sequence[str], stdio: Stdio, environment: Mapping[str, str], passed: Iterable[int],
           become: Mapping[str, Any]) -> subprocess.Popen[bytes]:
    """``become`` is what Popen needs to become somebody else where none of the programs in ``argv`` does; with it
    Popen copies our page tables to the child (``fork`` in place of ``vfork``), which takes as long as all else here."""
    try:
        return subprocess.Popen(argv, stdin=stdio.stdin, stdout=stdio.stdout, stderr=stdio.stderr, cwd="/",
                                env=dict(environment), pass_fds=tuple(passed), **become)
    except OSError as error:
        raise ToolError("cannot start a sandbox", program=Path(argv[0]).name,
                        why=f"{argv[0]}: {error.strerror}") from error


def _told(descriptor: int) -> int:
    """The process id that bubblewrap writes when it has made its child; 0 when it ended instead. ToolError when it does
    neither in time: the thread starts every other box, too."""
    data, end = b"", time.monotonic() + TOLD_SECONDS
    while True:
        wait(end - time.monotonic(), descriptor)
        try:
            part = os.read(descriptor, 4096)
        except BlockingIOError:
            raise ToolError("cannot start a sandbox", program="bwrap",
                            why=f"bubblewrap said nothing for {TOLD_SECONDS:g} s") from None
        if not part:
            return 0
        data += part
        try:
            return int(json.loads(data)["child-pid"])
        except (ValueError, KeyError):
            continue
