# SPDX-License-Identifier: Apache-2.0
"""What a box is measured against: the same bubblewrap and Wine with a command typed by hand."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from imagebuild.runtime import install as wine_install
from imagebuild.runtime import toolchain
from imagebuild.runtime.linux import account, bwrap, etc, launch
from imagebuild.runtime.wine import template

from . import sandboxes

VER = (r"C:\windows\system32\cmd.exe", "/c", "ver")
_OUR_ZONE = re.compile(rb"\n\[[^\n]*Time Zones\\\\\(UTC\)\].*?(?=\n\[|\Z)", re.DOTALL)


class Bare:
    """The same sandbox with one command typed by hand: no launcher, no registry of its own, no waiting. Its prefix is
    as boxes have it, or (``stock``) without the time zone that we add. ``line`` is the command (default: ``cmd /c
    ver``), ``programs_folder`` is what it finds as drive ``P:``, ``variables`` are for it."""

    def __init__(self, root: Path, *, stock: bool = False, line: Sequence[str] = VER,
                 programs_folder: Path | None = None, variables: Mapping[str, str] | None = None) -> None:
        install = wine_install.find_wine()
        self._account = account.choose()
        home = sandboxes.home()
        prefix, run_folder = root / "bare", root / "bare-run"
        for folder in (prefix, prefix / "dosdevices", prefix / "drive_c", run_folder, root / "upper", root / "work"):
            folder.mkdir()
            self._account.own(folder)
        (prefix / "dosdevices" / "c:").symlink_to("../drive_c")
        (prefix / "dosdevices" / "p:").symlink_to("/programs")
        for name in template.HIVES:
            data = (home / template.folder_name(install) / name).read_bytes()
            (prefix / name).write_bytes(_OUR_ZONE.sub(b"", data) if stock else data)
            self._account.own(prefix / name)
        for name, content in etc.files("bare").items():
            (root / "bare-etc" / name).parent.mkdir(parents=True, exist_ok=True)
            (root / "bare-etc" / name).write_bytes(content)
        programs = toolchain.find(home)
        assert programs is not None
        layer = template.engine_layer(home, programs, install, self._account)
        view = bwrap.View(prefix, run_folder, programs, (home / template.folder_name(install) / "drive_c", layer),
                          root / "upper", root / "work")
        self._null = os.open(os.devnull, os.O_RDWR)
        environment = bwrap.wine_environment(install, template.OVERRIDES)
        environment.pop("WINELOADERNOEXEC", None)
        environment.update(variables or {})
        self._arguments = bwrap.arguments(install, view, environment, bwrap.Descriptors(0, self._null), hostname="bare")
        self._arguments[-4:-4] = ["--ro-bind", str(root / "bare-etc"), "/etc",
                                  *(["--ro-bind", str(programs_folder), "/programs"] if programs_folder else [])]
        at = self._arguments.index("--seccomp")
        del self._arguments[at:at + 4]
        self._command = [str(install.loader), *line]

    def begin(self) -> subprocess.Popen[bytes]:
        """Start it."""
        return self._start(self._null, self._null, self._null)

    def said(self, *, terminal: bool = False) -> str:
        """Run it to its end and return what it printed. With ``terminal`` it has one, and so a console, which
        PowerShell needs: without one it ends at once and has done nothing."""
        ours, theirs = os.openpty() if terminal else os.pipe()
        process = self._start(theirs if terminal else self._null, theirs, theirs if terminal else self._null)
        os.close(theirs)
        printed = b""
        with contextlib.suppress(OSError):  # a terminal whose other side is closed
            while more := os.read(ours, 65536):
                printed += more
        os.close(ours)
        process.wait()
        return printed.decode("utf-8", "replace")

    def _start(self, stdin: int, stdout: int, stderr: int) -> subprocess.Popen[bytes]:
        packed = launch.memory_file(bwrap.pack(self._arguments), "arguments")
        try:
            return subprocess.Popen([wine_install.find("bwrap"), "--args", str(packed), *self._command],
                                    pass_fds=[packed], env={}, stdin=stdin, stdout=stdout, stderr=stderr,
                                    **self._account.popen())
        finally:
            os.close(packed)
