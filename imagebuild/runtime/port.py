# SPDX-License-Identifier: Apache-2.0
"""The port: what a place that runs Windows programs can do.

Adapters: :class:`~.wine.sandbox.WineSandbox` (Wine in a bubblewrap sandbox) and :class:`~.memory.MemorySandbox` (the
fake, a few scripted commands in threads). A sandbox opens boxes; a box is one container's world, its files, registry
and processes; a process is one Windows program started by us. Methods block for at most some tens of milliseconds
unless they say otherwise, and every one may be called from any thread; code on an event loop calls them in a thread
and awaits ``asyncio.wrap_future(process.ended)``.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

STOPPED = 0xC000013A
"""The exit code of a program that a stop ended: STATUS_CONTROL_C_EXIT, as Windows gives one without a handler."""
KILLED = 1067
"""The exit code of a program that was killed: ERROR_PROCESS_ABORTED, as an engine on Windows shows a terminated one
[unproven on a real host]."""

AUTHORITIES = "\\\\?\\unix\\etc\\authorities.pem"
"""Where programs of a box read :data:`BoxSpec.authorities` as a file."""

Keys = Literal["ctrl-c", "ctrl-break"]
"""What can be pressed at a console from outside."""

Progress = Callable[[str], None]
"""Called with one short line for each step that takes time, from the thread that asked for the work."""


class OpenFolder:
    """A folder of this machine as it was found, whatever becomes of its path. Owns a descriptor, which is closed by
    :meth:`close` or with the last reference."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._close = weakref.finalize(self, os.close, descriptor)

    def fileno(self) -> int:
        """The descriptor, opened with O_PATH."""
        if not self._close.alive:
            raise ValueError("the folder is closed")
        return self._descriptor

    @property
    def path(self) -> Path:
        """Where it is now, for messages."""
        return Path(f"/proc/self/fd/{self.fileno()}").readlink()

    def close(self) -> None:
        """Close the descriptor. Safe to call twice."""
        self._close()


@dataclass(frozen=True, slots=True)
class Mount:
    """A folder of this machine inside a box: ``source`` is absolute, ``target`` a Windows path (``C:\\example``, or the
    root of a drive of its own, ``D:\\``).

    ``folder`` is what ``source`` led to when it was checked; the box mounts that and closes it when it has started.
    Where it is ``None`` the box looks ``source`` up, through links. Programs that can write on the way could lead it
    elsewhere between a check and the start.
    """

    source: Path
    target: str
    read_only: bool = False
    folder: OpenFolder | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a box may use: ``memory`` in bytes, ``cpus`` as a number of processors (1.5), ``processes`` at once.
    ``None``: no limit."""

    memory: int | None = None
    cpus: float | None = None
    processes: int | None = None


@dataclass(frozen=True, slots=True)
class Namespace:
    """A network that was made elsewhere, by the files of its namespaces (``/proc/PID/ns/user`` and ``…/net``). The user
    namespace is the one that owns the network, ``None`` where that is the machine's own."""

    net: Path
    user: Path | None = None


@dataclass(frozen=True, slots=True)
class BoxSpec:
    """All that decides what the programs of one box see.

    ``id`` names its job object and its cgroup ([a-zA-Z0-9_.-]). ``layers`` are read-only folders that mirror ``C:\\``,
    lowest first. ``folder`` is the box's own, made when it is missing; it outlives the box and is opened again by a
    spec with the same folder. ``registry`` is a folder with ``system.reg``, ``user.reg`` and ``userdef.reg`` in Wine's
    text form, each optional, copied when the folder is new; where it is ``None`` the template's are. ``environment``
    holds what the image and the user set; names are compared without regard to case. ``network`` is ``None`` for
    loopback only. ``hosts`` are addresses and their names. ``windows_build`` is what ``ver`` shows (20348), 0 for
    Wine's own. ``accounts`` are the image's own accounts: a program of any other but those that every container has is
    not started (code 1326). ``powershell`` says that the image's Windows has Windows PowerShell and .NET Framework: its
    registry has their keys. With ``pipes`` the main program runs only when a command of :data:`Command.pipes` says that
    they are there. ``drive`` is a folder that is drive ``C:`` but for ``C:\\Windows``, so that folders of it can be
    mounted into other boxes; it is made from the layers when it is missing, and outlives the box. Where it is ``None``,
    all of the drive is in ``folder``. ``authorities`` are certificates (PEM) that programs trust besides those that
    every box trusts; they are in no file or key that outlives the box, and programs with a list of their own find them
    at :data:`AUTHORITIES`. ``files`` are Windows paths and contents that programs can only read; they are in memory,
    and what is left of one where no file was is an empty one. Where ``discarded`` is set, no one looks at the box once
    it has ended: what its programs changed in the registry is on disk only after :meth:`Box.flush`.
    """

    id: str
    folder: Path
    hostname: str = ""
    layers: tuple[Path, ...] = ()
    registry: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = "ContainerAdministrator"
    mounts: tuple[Mount, ...] = ()
    limits: Limits = Limits()
    network: Namespace | None = None
    hosts: tuple[tuple[str, str], ...] = ()
    dns: tuple[str, ...] = ()
    windows_build: int = 0
    windows_revision: int = 0
    accounts: tuple[str, ...] = ()
    powershell: bool = False
    pipes: bool = False
    drive: Path | None = None
    authorities: bytes = b""
    files: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)
    discarded: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """One Windows command line, as CreateProcess takes it (it looks for the program, along PATH too).

    ``cwd`` is a Windows path, empty is ``C:\\``; the main program's is made when it is missing, and another program is
    not started then (code 267). ``environment`` comes over the box's. With ``tty`` the three descriptors are one
    pseudo-terminal's. ``user`` is the account that it runs as, empty for the box's. With ``pipes`` it is, in place of a
    program, a server of named pipes of the box, whose connections go through its standard streams as the frames of
    ``programs/relay.c``; it ends with its input. Only for a box that runs.
    """

    line: str
    cwd: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    tty: bool = False
    user: str = ""
    pipes: bool = False


@dataclass(frozen=True, slots=True)
class Stdio:
    """The descriptors a program gets. They stay the caller's, who may close them as soon as the process has started."""

    stdin: int
    stdout: int
    stderr: int


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """One running process of a box: its Windows id, its id on this machine (0: not known), the name of its program, and
    the job it is in (empty: none)."""

    pid: int
    host_pid: int
    name: str
    job: str = ""


@dataclass(frozen=True, slots=True)
class SandboxFacts:
    """What this sandbox is on this machine.

    ``template`` says whether :meth:`Sandbox.prepare` has anything left to do. ``memory`` and ``cpus`` say by which
    means a limit is enforced, ``gaps`` what is not, a sentence each. ``missing`` lists the Debian packages that have to
    be installed, or made newer, before anything starts, ``problems`` for each what is wrong and what to do.
    ``account`` is the user id that boxes run as on this machine. ``messages`` names the package that Windows' texts of
    system errors come from: ``impacket``, ``samba-libs``, or ``wine`` for Wine's own.
    """

    engine: str
    version: str
    template: Literal["ready", "missing", "outdated"]
    memory: str
    cpus: str
    account: int
    gaps: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    messages: str = "wine"


@dataclass(frozen=True, slots=True)
class MountedDrive:
    """Drive ``C:`` of a box that runs as its programs see it, with what is mounted there.

    ``fd`` is a descriptor of its root (O_PATH), the receiver's to close: no program of the box can make it lead to
    another folder. Names below it are the programs' own, links that lead anywhere among them: open one name at a time,
    and follow none. In a block of ``acting`` this thread's file calls are made as the account of the box, under the
    kernel's checks for that. ``over`` says whether the box has ended: then its mounts are gone from the drive.
    """

    fd: int
    acting: Callable[[], AbstractContextManager[None]]
    over: Callable[[], bool]


class Process(Protocol):
    """One program of a box, running or ended."""

    @property
    def host_pid(self) -> int:
        """The process on this machine that stands for the program; it ends when the program has ended. Not to be
        signalled: ask the box."""

    @property
    def ended(self) -> Future[int]:
        """Completes with the exit code, 0 to 0xFFFFFFFF, when the program has ended (of the main program: when
        every process of the box is gone). Never fails, never to be cancelled. A program that was ended from outside has
        :data:`STOPPED` or :data:`KILLED`."""

    def kill(self) -> None:
        """End this program and all that it started, at once; the box goes on (unless it is the main program: then as
        :meth:`Box.kill`). Blocks until it has ended, some tenths of a second. Of a program that has ended by itself,
        what it left running is ended. ToolError when it lives on."""

    def press(self, keys: Keys) -> None:
        """Press Ctrl-C or Ctrl-Break at the console of this program: the programs there get the event as on Windows,
        those that ignore it go on. Nothing happens to one that has ended; ToolError for one without a console."""


class Box(Protocol):
    """One container's world. Opened, then started once, then over; ToolError when Wine or bubblewrap fail."""

    def start(self, command: Command, stdio: Stdio) -> Process:
        """Start the main program. The box lives as long as it does: when it ends everything else in the box is killed
        and the registry is on disk. Once per box; UsageError the second time."""

    def exec(self, command: Command, stdio: Stdio) -> Process:
        """Start one more program beside the main one, with the same restrictions. NotFoundError when the box does not
        run (it may end any time)."""

    def stop(self, timeout: float) -> None:
        """End the box as a shutdown of Windows would: its programs get CTRL_SHUTDOWN_EVENT, and what runs after
        ``timeout`` seconds is killed. Blocks until everything is gone, at most ``timeout`` and two seconds. Nothing
        happens where nothing runs."""

    def kill(self) -> None:
        """End every process of the box at once; what the registry was not asked to keep in the last half minute is
        lost. Returns when they are gone, two seconds at most. Idempotent."""

    def processes(self) -> tuple[ProcessRow, ...]:
        """What runs in the box, by Windows id; empty when it does not run."""

    def resize(self, process: Process, rows: int, columns: int) -> None:
        """Tell a program with a pseudo-terminal the new size; nothing happens to one that has none or has ended."""

    def flush(self) -> None:
        """Bring the registry of a running box to the disk (``folder/prefix/*.reg``); it goes on running."""

    def drive(self) -> MountedDrive:
        """Open drive ``C:`` of a running box. NotFoundError when the box does not run."""

    def close(self, *, remove: bool = False) -> None:
        """Kill what runs and let go of descriptors and cgroups; with ``remove`` the folder goes too. Safe to call
        twice."""


class Sandbox(Protocol):
    """A place that runs Windows programs. Its boxes die with the process that holds it, however that ends."""

    def facts(self) -> SandboxFacts:
        """What it is and enforces here; asks the machine, and fails for nothing."""

    def prepare(self, progress: Progress | None = None) -> None:
        """Make what all boxes share, once for each version of Wine: some ten seconds the first time, nothing after.
        Atomic, and safe for two processes at once. ToolError names the package that is missing."""

    def open(self, spec: BoxSpec) -> Box:
        """A box, its folder made or found; nothing runs yet. UsageError for a spec with no meaning, NotFoundError for
        a layer or mount that is not there, ToolError before :meth:`prepare`."""

    def forget(self, boxes: Mapping[str, Path]) -> None:
        """Take away what a holder that was killed left of boxes outside their folders (by id): processes that its death
        did not reach, cgroups. None of them may have been opened here. Two seconds at most where something runs."""

    def guard(self, folder: Path) -> None:
        """Should this process be killed from now on, see to it that boxes below ``folder`` are gone within a second:
        the kernel ends those it knows of, one that was just being started is found by another process. Once."""

    def close(self) -> None:
        """Kill every box and let go of everything. Safe to call twice."""
