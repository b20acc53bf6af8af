# SPDX-License-Identifier: Apache-2.0
"""The sandbox that runs programs with Wine in bubblewrap."""

from __future__ import annotations

import os
import re
import subprocess
import weakref
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from ...errors import ToolError, UsageError, quoted
from .. import install as wine_install
from .. import messages, toolchain
from ..linux import account, bwrap, etc, launch, leftover, limits
from ..linux.idmapped import Idmaps
from ..linux.starter import Starter, Watcher
from ..port import Box, BoxSpec, Limits, Progress, SandboxFacts, Stdio
from ..registry import roots
from ..uses import Uses
from . import altered, template
from .box import Shared, WineBox

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
_HOSTNAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")

_GAPS = (
    "USER is a name: what it may not do in files of C: is refused by libraries of its own, and nothing else is",
    "32-bit programs do not run: Debian's wine64 has no WOW64",
)


class WineSandbox:
    """See :class:`~..port.Sandbox`. ``home`` is the folder where the shared files are kept; as root it and all folders
    of boxes must be reachable for the account that boxes run as (``uid``, default ``wcow`` or ``nobody``). ``ca`` is a
    PEM file with the only roots that programs trust; without one they are this machine's."""

    def __init__(self, home: Path, *, uid: int | None = None, ca: Path | None = None) -> None:
        self._home = home
        self._ca = ca
        self._account = account.choose(uid)
        self._means = limits.find()
        self._starter = Starter()
        self._watcher = Watcher()
        self._uses = Uses(home, self._account)
        self._idmaps = Idmaps(self._account)
        self._shared: Shared | None = None
        self._boxes: weakref.WeakSet[WineBox] = weakref.WeakSet()
        self._guard: subprocess.Popen[bytes] | None = None

    def facts(self) -> SandboxFacts:
        """See :meth:`..port.Sandbox.facts`."""
        problems = wine_install.problems()
        if not toolchain.is_here(self._home):
            problems.update((package, _cannot_compile(package)) for package in toolchain.missing())
        state: Literal["ready", "missing", "outdated"] = "missing"
        version, unknown = "", tuple[str, ...]()
        if "wine64" not in problems:
            install = wine_install.find_wine()
            version = install.version
            unknown = altered.unknown(install)
            state = ("ready" if template.is_ready(self._home, install) else
                     "outdated" if template.is_outdated(self._home, install) else "missing")
        return SandboxFacts("wine", version, state, self._means.memory, self._means.cpus, self._account.uid,
                            (*_GAPS, *_locale_gap(), *self._roots_gap(), *unknown, *self._means.gaps), tuple(problems),
                            tuple(f"{error.why}; {error.hint}" for error in problems.values()), messages.find().name)

    def _roots_gap(self) -> tuple[str, ...]:
        return () if self._ca or roots.of_machine() else (roots.GAP,)

    def prepare(self, progress: Progress | None = None) -> None:
        """See :meth:`..port.Sandbox.prepare`."""
        install = wine_install.find_wine()
        for program in wine_install.PACKAGES:
            wine_install.find(program)
        wine_install.check_setpriv()
        ca = self._ca or roots.of_machine()
        trusted = roots.read(ca) if ca else b""
        try:
            if not self._home.is_dir():
                self._home.mkdir(parents=True, mode=0o755)
                self._account.own(self._home)
            closed = self._account.reaches(self._home)
            if closed is not None:
                raise ToolError("cannot prepare the sandbox", why=f"the account {self._account.uid}, which boxes run "
                                f"as, may not enter {closed}", hint="choose a folder like /var/lib/wcow")
            with template.locked(self._home):
                if not toolchain.is_here(self._home):
                    raise _cannot_compile(*toolchain.missing())
                with ThreadPoolExecutor(1, thread_name_prefix="sandbox-programs") as beside:
                    compiled = beside.submit(toolchain.find, self._home)
                    template.make(self._home, install, self._account,
                                  lambda folder, modules: self._boot(install, folder, modules), progress)
                programs = compiled.result()
                if programs is None:
                    raise _cannot_compile(*toolchain.missing())
                if self._account.reaches(programs) is not None:
                    programs = toolchain.copied(programs, self._home)
                layer = template.engine_layer(self._home, programs, install, self._account)
                modules = template.modules(self._home, programs, install, self._account)
                certificates = template.roots_file(self._home, trusted)
                self._uses.take((self._home / template.folder_name(install), programs, layer, modules,
                                 certificates.parent))
                self._uses.sweep()
        except toolchain.CompileError as error:
            raise ToolError("cannot prepare the sandbox", program=toolchain.COMPILER, why=str(error)) from error
        except OSError as error:
            raise ToolError("cannot prepare the sandbox",
                            why=f"{error.filename or self._home}: {error.strerror}") from error
        self._shared = Shared(install, self._account, self._means, self._starter, self._watcher, programs,
                              self._home / template.folder_name(install), layer, tuple(sorted(modules.iterdir())),
                              certificates, self._idmaps)

    def _boot(self, install: wine_install.Install, folder: Path, modules: Path) -> None:
        """wineboot, then the end of wineserver, which writes the registry. A shell, and ``modules`` over the folder of
        Wine's own, are in the sandbox for this only; our programs, which may still be compiled, are not."""
        run = folder / "run"  # template.make takes away what is not part of a template
        run.mkdir()
        view = bwrap.View(folder, run, modules)
        script = f"{install.loader} wineboot --init && {install.server} -w"

        def arguments(descriptors: bwrap.Descriptors) -> list[str]:
            return ["--ro-bind", "/bin/sh", "/bin/sh", *bwrap.arguments(
                install, view, bwrap.wine_environment(install, (), booting=True), descriptors, hostname="TEMPLATE"),
                "--ro-bind", str(modules), str(install.modules)]

        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        try:
            child = self._starter.call(lambda: launch.first(
                self._account, limits.Group(self._means, "template", Limits()), Limits(), None, Stdio(null, null, null),
                terminal=False, command=["/bin/sh", "-c", script], etc=etc.files("TEMPLATE"), arguments=arguments))
            os.close(child.init)
            if child.popen.wait(300):
                raise ToolError("cannot make the Wine prefix that boxes share", program="wine64",
                                why=f"wineboot ended with {child.popen.returncode}")
        finally:
            os.close(null)

    def open(self, spec: BoxSpec) -> Box:
        """See :meth:`..port.Sandbox.open`."""
        if self._shared is None:
            raise ToolError("cannot open a box", why="the sandbox has not been prepared")
        if not _ID.fullmatch(spec.id):
            raise UsageError("cannot open a box", why=f"{quoted(spec.id[:60])} is no id",
                             hint="letters, digits, _ . and -")
        if spec.hostname and not _HOSTNAME.fullmatch(spec.hostname):
            raise UsageError("cannot open a box", why=f"{quoted(spec.hostname[:80])} is no host name")
        try:
            spec.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ToolError("cannot open a box", why=f"{spec.folder}: {error.strerror}") from error
        closed = self._account.reaches(spec.folder)
        if closed is not None:
            raise ToolError("cannot open a box",
                            why=f"the account {self._account.uid}, which boxes run as, may not enter {closed}")
        box = WineBox(self._shared, spec)
        self._boxes.add(box)
        return box

    def forget(self, boxes: Mapping[str, Path]) -> None:
        """See :meth:`..port.Sandbox.forget`."""
        leftover.end(boxes.values())
        for identifier in boxes:
            limits.Group(self._means, identifier, Limits(1, 1, 1)).remove()

    def guard(self, folder: Path) -> None:
        """See :meth:`..port.Sandbox.guard`."""
        try:
            self._guard = leftover.guard(folder)
        except OSError as error:
            raise ToolError("cannot guard the sandbox", program="sh", why=error.strerror or str(error)) from error

    def close(self) -> None:
        """See :meth:`..port.Sandbox.close`."""
        for box in list(self._boxes):
            box.close()
        if self._guard:
            self._guard.kill()
            self._guard.communicate()
            self._guard = None
        self._starter.close()
        self._watcher.close()
        self._idmaps.close()
        self._uses.close()


def _locale_gap() -> tuple[str, ...]:
    """What names lose on a machine without the locale that boxes get."""
    return () if bwrap.LOCALE.is_dir() else (
        f"names that are not ASCII are lost in files, arguments and variables: {bwrap.LOCALE} is not there "
        "(install the Debian package libc-bin)",)


def _cannot_compile(*packages: str) -> ToolError:
    lacks = "no compiler" if toolchain.PACKAGE in packages else "no zlib for the compiler"
    return ToolError("cannot prepare the sandbox", program=toolchain.COMPILER,
                     why=f"our Windows programs were not compiled when wcow was installed, and there is {lacks}",
                     hint=f"apt-get install {' '.join(packages)}")
