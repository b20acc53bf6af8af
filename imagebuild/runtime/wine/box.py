# SPDX-License-Identifier: Apache-2.0
"""One box under Wine: its first program in bubblewrap, those that join it, and its end."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
import tty
from collections.abc import Callable
from concurrent.futures import TimeoutError as WaitTimeout
from dataclasses import dataclass
from pathlib import Path

from ...errors import NotFoundError, ToolError, UsageError, quoted
from ..install import Install
from ..linux import bwrap, etc, idmapped, joined, launch, targets
from ..linux.account import Account
from ..linux.idmapped import Idmaps
from ..linux.limits import Group, Means
from ..linux.notice import ended, wait
from ..linux.starter import Starter, Watcher
from ..linux.vital import Vital
from ..port import KILLED, STOPPED, BoxSpec, Command, Keys, Limits, MountedDrive, OpenFolder, Process, ProcessRow, Stdio
from ..registry import identity, roots
from ..snapshots import own_drive
from . import folder, processes, talks
from .program import WineProcess
from .talks import Talk, Talks
from .template import overrides

START_SECONDS = 60
"""How long Wine may take to begin a program: a tenth of a second is usual, a loaded machine takes more."""
KILL_SECONDS = 10
"""How long Wine may take to end one program: a tenth of a second is usual."""
END_SECONDS = 2
"""How long process 1 of a box may outlive the first program before it is killed: a hostile program can stop it."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What all boxes of a sandbox use."""

    install: Install
    account: Account
    means: Means
    starter: Starter
    watcher: Watcher
    programs: Path
    template: Path
    layer: Path
    modules: tuple[Path, ...]
    roots: Path
    idmaps: Idmaps


class WineBox:
    """See :class:`~..port.Box`."""

    def __init__(self, shared: Shared, spec: BoxSpec) -> None:
        self._shared = shared
        self._spec = spec
        self._job = f"Container_{spec.id}"
        self._group = Group(shared.means, spec.id, spec.limits)
        self._lock = threading.RLock()
        self._signalling = threading.Lock()
        self._started = False
        self._child: launch.Child | None = None
        self._main: WineProcess | None = None
        self._joined: set[int] = set()
        self._mounts: list[OpenFolder] = []
        self._closed: list[OpenFolder] = []
        self._cause = KILLED
        self._vital = Vital(shared.watcher, self.kill)
        lowers = (shared.template / "drive_c", *spec.layers, shared.layer)
        if len(lowers) > bwrap.MOST_LAYERS:
            raise UsageError("cannot open a box", why=f"{len(lowers)} layers, {bwrap.MOST_LAYERS} are possible",
                             hint="merge some of them")
        for layer in spec.layers:
            if not layer.is_dir():
                raise NotFoundError("cannot open a box", why=f"the layer {layer} is not there")
        self._lowers = lowers
        try:
            folder.make(spec, shared.template, shared.account)
            if spec.drive is not None:
                own_drive.make(spec.drive, spec.folder, lowers, shared.account)
            self._talks = Talks(spec.folder / "run", shared.account)
        except OSError as error:
            raise ToolError("cannot open a box", why=f"{error.filename or spec.folder}: {error.strerror}") from error

    # --- programs ----------------------------------------------------------------------------------------------------

    def start(self, command: Command, stdio: Stdio) -> Process:
        """See :meth:`..port.Box.start`."""
        with self._lock:
            if self._started:
                raise UsageError("cannot start a box", why="it has been started before")
            self._started = True
            _make_raw(command, stdio)
            talk = self._talk(command, "m" + "p" * self._spec.pipes + "f" * self._spec.discarded
                              + "d" * any(mount.target[:1] not in "cC" for mount in self._spec.mounts))
            try:
                binds = self._binds()
                self._group.make()
                child = self._shared.starter.call(lambda: self._first_in_place(command, stdio, talk, binds))
            except OSError as error:
                self._talks.end(talk)
                raise ToolError("cannot start a sandbox",
                                why=f"{error.filename or 'cgroup'}: {error.strerror}") from error
            except BaseException:
                self._talks.end(talk)
                raise
            finally:
                self._close_mounts()
            self._child = child
            process = self._begun(child, talk, command, stdio, lambda _unused: self.kill())
            self._main = process
            self._vital.watch(child.init_pid)
            self._listen(talk)
            self._shared.watcher.watch(child.init, lambda: self._over(child, process, talk))
            return process

    def _binds(self) -> list[bwrap.Bind]:
        """What is mounted where, by open descriptor: what was found when a source was checked is what is mounted."""
        places = targets.Targets(self._spec, self._lowers, self._shared.account)
        out = []
        for mount in self._spec.mounts:
            source = mount.folder or folder.open_source(mount.source)
            self._mounts.append(source)
            place = places.place(mount.target, source.fileno())
            if self._shared.account.reaches(source.path) is not None:
                source = self._shared.idmaps.mount(source)
                self._mounts.append(source)
                self._closed.append(source)
            out.append(bwrap.Bind(source.fileno(), place, mount.read_only))
        for path, content in self._spec.files:
            kept = OpenFolder(launch.memory_file(content, "file"))
            self._mounts.append(kept)
            out.append(bwrap.Bind(kept.fileno(), places.place(path, kept.fileno()), True, content=True))
        return out

    def _close_mounts(self) -> None:
        for opened in (*self._mounts, *(mount.folder for mount in self._spec.mounts)):
            if opened:
                opened.close()

    def _first_in_place(self, command: Command, stdio: Stdio, talk: Talk, binds: list[bwrap.Bind]) -> launch.Child:
        """bubblewrap finds the path of a descriptor and walks there as the account that boxes run as, then makes sure
        that it mounted what the descriptor stands for; folders that are closed to the account are given a path."""
        with idmapped.attached(self._closed, self._spec.folder):
            return self._first(command, stdio, talk, binds)

    def _first(self, command: Command, stdio: Stdio, talk: Talk, binds: list[bwrap.Bind]) -> launch.Child:
        shared, spec = self._shared, self._spec
        lowers, upper = self._lowers, spec.folder / "upper"
        if spec.drive is not None:
            lowers, upper = own_drive.below(lowers), upper / own_drive.WINDOWS
        view = bwrap.View(spec.folder / "prefix", spec.folder / "run", shared.programs, lowers, upper,
                          spec.folder / "work", tuple(binds), shared.modules,
                          None if spec.authorities else shared.roots, spec.drive)
        hostname = spec.hostname or spec.id[:12]

        def arguments(descriptors: bwrap.Descriptors) -> list[str]:
            return bwrap.arguments(shared.install, view, self._environment(command), descriptors,
                                   hostname=hostname, terminal=command.tty, network=spec.network is not None)

        return launch.first(shared.account, self._group, spec.limits, spec.network, stdio, terminal=command.tty,
                            command=self._launcher("run", talk), arguments=arguments,
                            etc={**etc.files(hostname, spec.hosts, spec.dns), **self._authorities()},
                            inherited=[bind.descriptor for bind in binds],
                            check=(lambda process: targets.check(process, [bind.target for bind in binds]))
                            if binds else None)

    def _authorities(self) -> dict[str, bytes]:
        """The files of ``/etc`` with what this box alone trusts, where there is such."""
        pem = self._spec.authorities
        return {"roots": self._shared.roots.read_bytes() + roots.pack(pem), "authorities.pem": pem} if pem else {}

    def exec(self, command: Command, stdio: Stdio) -> Process:
        """See :meth:`..port.Box.exec`."""
        return self._exec(command, stdio, START_SECONDS)

    def _exec(self, command: Command, stdio: Stdio, seconds: float) -> WineProcess:
        _make_raw(command, stdio)
        with self._lock:
            talk = self._talk(command, "")
            try:
                child = self._join("pipes" if command.pipes else "run", talk, stdio, command)
            except BaseException:
                self._talks.end(talk)
                raise
        process = self._begun(child, talk, command, stdio, lambda one: self._end_joined(one, child, talk), seconds)

        def over() -> None:
            child.popen.wait()
            self._joined.discard(child.popen.pid)
            os.close(child.joined)
            process.finish(self._end(talk))

        self._listen(talk)
        self._shared.watcher.watch(child.joined, over)
        return process

    def _join(self, verb: str, talk: Talk, stdio: Stdio, command: Command, limits: Limits | None = None
              ) -> launch.Child:
        shared, init = self._shared, self._child
        if init is None or not self._signal(0):
            raise NotFoundError("cannot start a program in the box", why="the box does not run")
        child = shared.starter.call(lambda: launch.joining(
            init.init_pid, shared.account, self._group, self._spec.limits if limits is None else limits, stdio,
            self._environment(command), self._launcher(verb, talk), terminal=command.tty))
        self._joined.add(child.popen.pid)
        return child

    def _launcher(self, verb: str, talk: Talk) -> list[str]:
        return [str(self._shared.install.loader), launch.LAUNCHER, verb, talk.inside]

    def _environment(self, command: Command) -> dict[str, str]:
        return bwrap.wine_environment(self._shared.install, overrides(self._shared.layer), terminal=command.tty,
                                      user=identity.account(command.user or self._spec.user))

    def _talk(self, command: Command, flags: str, job: str = "") -> Talk:
        spec = self._spec
        identity.check(command.user or spec.user, spec.hostname or spec.id[:12], spec.accounts, command.line)
        flags += "t" * command.tty
        merged: dict[str, tuple[str, str]] = {}
        for name, value in [("USERNAME", identity.account(command.user or spec.user)), *spec.environment.items(),
                            *command.environment.items()]:
            merged[name.upper()] = name, value
        data = talks.request(job or self._job, flags, spec.limits.memory, spec.limits.cpus, command.cwd, command.line,
                             merged.values())
        try:
            return self._talks.begin(data, terminal=command.tty)
        except OSError as error:
            raise ToolError("cannot start a program in the box", why=f"{error.filename}: {error.strerror}") from error

    def _begun(self, child: launch.Child, talk: Talk, command: Command, stdio: Stdio,
               kill: Callable[[WineProcess], None], seconds: float = START_SECONDS) -> WineProcess:
        """Wait until launcher.exe has started the program. One that has not been started is ended."""
        try:
            word, number, gone = self._said(child, talk, seconds)
            if word == "started":
                terminal = os.dup(stdio.stdin) if command.tty else -1
                return WineProcess(child.popen.pid, number, terminal, kill, self._press,
                                   os.dup(talk.sizes) if command.tty else -1)
        except BaseException:
            self._abandon(child)
            self._talks.end(talk)
            raise
        self._abandon(child)
        self._talks.end(talk)
        if word == "failed":
            raise ToolError(f"cannot start {quoted(command.line[:200])}", program=command.line.split(" ")[0],
                            code=number, why=f"Windows error {number}")
        why = f"Wine ended with {child.popen.returncode}" if gone else f"Wine said nothing for {seconds:g} s"
        raise ToolError(f"cannot start {quoted(command.line[:200])}", program="wine64",
                        why=f"{why} before the program began")

    def _said(self, child: launch.Child, talk: Talk, seconds: float) -> tuple[str, int, bool]:
        """What launcher.exe said of the start, as word and number, and whether all was over before; no word: in
        vain."""
        end = time.monotonic() + seconds
        outside = child.init if child.init >= 0 else child.joined
        while True:
            gone = ended(outside)
            if not talk.hear():
                self._flooded(outside)
                return "", 0, True
            begun = talk.begun()
            if begun:
                return (*begun, gone)
            if gone or time.monotonic() > end:
                return "", 0, gone
            wait(end - time.monotonic(), talk.descriptor, outside)

    def _abandon(self, child: launch.Child) -> None:
        if child.init >= 0:
            self._signal(signal.SIGKILL)
            with self._signalling:
                self._child = None
            child.popen.wait()
            os.close(child.init)
        else:
            joined.end(child.popen)
            os.close(child.joined)
            self._joined.discard(child.popen.pid)

    def _end_joined(self, process: WineProcess, child: launch.Child, talk: Talk) -> None:
        """End the job of a program that joined. Where Wine does not answer, the program is over for us all the same:
        its clients do not wait for it."""
        process.killed = not process.ended.done()
        try:
            self._ask("end", KILL_SECONDS, job=f"{self._job}_{talk.name}")
            process.ended.result(END_SECONDS)
        except NotFoundError:
            return  # the box has ended, and with it the program
        except (WaitTimeout, ToolError) as error:
            if process.ended.done():
                raise
            joined.end(child.popen)
            raise ToolError("cannot end a program in the box", program="wine64",
                            why=f"process {process.windows_pid} runs on: Wine does not answer",
                            hint="end the box") from error

    def _press(self, process: WineProcess, keys: Keys) -> None:
        with contextlib.suppress(NotFoundError):  # the program has ended
            self._ask("keys", KILL_SECONDS, line=str(process.windows_pid), flags="b" * (keys == "ctrl-break"))

    # --- the end -----------------------------------------------------------------------------------------------------

    def _over(self, child: launch.Child, process: WineProcess, talk: Talk) -> None:
        """Process 1 is gone, and with it everything in the box."""
        child.popen.wait()
        with self._signalling:
            self._child = None
        os.close(child.init)
        code = self._end(talk)
        self._group.remove()
        self._vital.over()
        process.finish(code)

    def _listen(self, talk: Talk) -> None:
        """Take out what the program's FIFO gets while it runs: a full one would hold launcher.exe up at its end."""
        def heard() -> None:
            if not talk.hear():
                self._shared.watcher.forget(talk.descriptor)
                self._flooded()

        self._talks.begun(talk)
        self._shared.watcher.listen(talk.descriptor, heard)

    def _end(self, talk: Talk) -> int:
        """The exit code of a program that has ended."""
        self._shared.watcher.forget(talk.descriptor)
        talk.hear()
        code = talk.exit_code()
        self._talks.end(talk)
        return self._cause if code is None else code

    def _flooded(self, *outside: int) -> None:
        """End a box that writes answers without end in launcher.exe's place. nsenter, if one waits for its program in
        there, is left to end by itself: process 1 is not over while a child of nsenter's has no parent to bury it."""
        self._signal(signal.SIGKILL)
        if outside:
            wait(END_SECONDS, *outside)

    def stop(self, timeout: float) -> None:
        """See :meth:`..port.Box.stop`."""
        main, end = self._main, time.monotonic() + timeout
        if main is None:
            self._signal(signal.SIGKILL)  # it is still being started
            return
        if main.ended.done():
            return
        self._cause = STOPPED
        with contextlib.suppress(ToolError, NotFoundError):
            self._ask("stop", min(timeout, 5))
        with contextlib.suppress(WaitTimeout):
            main.ended.result(max(0.0, end - time.monotonic()))
        self.kill()

    def kill(self) -> None:
        """See :meth:`..port.Box.kill`."""
        self._signal(signal.SIGKILL)
        main = self._main
        if main is not None:
            with contextlib.suppress(WaitTimeout):
                main.ended.result(END_SECONDS)

    def _signal(self, number: int) -> bool:
        """Send process 1 a signal, as long as its descriptor cannot be closed and be somebody else's; whether it was
        there."""
        with self._signalling:
            try:
                if self._child is not None:
                    signal.pidfd_send_signal(self._child.init, number)
            except OSError:
                return False
            return self._child is not None

    def close(self, *, remove: bool = False) -> None:
        """See :meth:`..port.Box.close`."""
        self.kill()
        with self._lock:
            self._talks.close()
        self.kill()  # what was being started the first time
        self._close_mounts()
        self._group.remove()
        if remove:
            folder.remove(self._spec.folder)

    # --- questions ---------------------------------------------------------------------------------------------------

    def processes(self) -> tuple[ProcessRow, ...]:
        """See :meth:`..port.Box.processes`."""
        child = self._child
        if child is None:
            return ()
        found: list[str] = []
        with contextlib.suppress(NotFoundError):
            self._ask("list", 10, lambda talk: found.append(talk.listed()))
        here = processes.below(processes.scan(), [child.init_pid, *self._joined])
        return processes.pair(processes.parse("".join(found)), here, self._job)

    def flush(self) -> None:
        """See :meth:`..port.Box.flush`."""
        self._ask("save", 30)

    def drive(self) -> MountedDrive:
        """See :meth:`..port.Box.drive`."""
        with self._signalling:  # so that the descriptor of process 1 stays open
            fd = None if self._child is None else launch.open_drive(self._child)
        if fd is None:
            raise NotFoundError("cannot open the drive of the box", why="the box does not run")
        return MountedDrive(fd, self._shared.account.acting, self._is_over)

    def _is_over(self) -> bool:
        with self._signalling:
            return self._child is None or ended(self._child.init)

    def resize(self, process: Process, rows: int, columns: int) -> None:
        """See :meth:`..port.Box.resize`."""
        if isinstance(process, WineProcess):
            process.resize(rows, columns)

    def _ask(self, verb: str, seconds: float, answer: Callable[[Talk], object] | None = None, *, line: str = "",
             flags: str = "", job: str = "") -> None:
        """Run launcher.exe for something else than a program; ToolError when it fails or takes too long."""
        command = Command(line)
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        talk = None
        try:
            with self._lock:
                talk = self._talk(command, flags, job)
                child = self._join(verb, talk, Stdio(null, null, null), command, Limits())
            try:
                code = self._answered(verb, child, talk, seconds)
            finally:
                os.close(child.joined)
                self._joined.discard(child.popen.pid)
            if code == -signal.SIGKILL and self._is_ending():
                raise NotFoundError(f"cannot {verb} in the box", why="the box ended meanwhile")
            if code:
                raise ToolError(f"cannot {verb} in the box", program="wine64", why=f"launcher.exe ended with {code}")
            if answer:
                answer(talk)
        finally:
            os.close(null)
            if talk:
                self._talks.end(talk)

    def _is_ending(self) -> bool:
        """Return whether the main program is over, or is within :data:`END_SECONDS`. The kernel kills what is left in
        a box before process 1 is over: launcher.exe that presses keys, if the main program ends on them at once."""
        if self._main is None:
            return False
        with contextlib.suppress(WaitTimeout):
            self._main.ended.result(END_SECONDS)
        return self._main.ended.done()

    def _answered(self, verb: str, child: launch.Child, talk: Talk, seconds: float) -> int:
        """Hear what launcher.exe says until it has ended, and give its exit code; ToolError after this time."""
        end = time.monotonic() + seconds
        while not ended(child.joined):
            flooded = not talk.hear()
            if flooded:
                self._flooded(child.joined)
            if flooded or time.monotonic() > end:
                joined.end(child.popen)
                raise ToolError(f"cannot {verb} in the box", program="wine64", why=f"no answer in {seconds:g} s")
            wait(end - time.monotonic(), talk.descriptor, child.joined)
        talk.hear()
        return child.popen.wait()


def _make_raw(command: Command, stdio: Stdio) -> None:
    """Wine's console makes its terminal raw, a moment after the first keys may have come: do it before."""
    if command.tty:
        tty.setraw(stdio.stdin)
