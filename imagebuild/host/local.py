# SPDX-License-Identifier: Apache-2.0
"""This machine."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import FormatError, ToolError
from ..windows.hostfacts import HostFacts
from ..windows.machine import MachineFacts
from . import answers, linux
from .collector import collected
from .port import Done

_PATIENCE = 180.0
"""Seconds for the collector: CIM on a busy server takes its time."""
_SCRIPT = Path(__file__).with_name("collector.ps1")


class LocalHost:
    """The machine we run on: Windows by its collector, Linux by its files and its engine, others by name only.

    ``system``, ``root`` and ``environment`` stand for what the machine is, so that a test can be another one.
    """

    def __init__(self, *, system: str = "", root: Path = Path("/"), environment: Mapping[str, str] | None = None,
                 online: bool = False) -> None:
        import platform

        self._system = system or platform.system()
        self._root = root
        self._environment = os.environ if environment is None else environment
        self._online = online

    def facts(self) -> MachineFacts:
        """See the port. On Windows ToolError when PowerShell cannot be run or prints no facts."""
        import platform

        if self._system == "Windows":
            return self._windows()
        name, machine = platform.node(), platform.machine()
        if self._system != "Linux":
            return MachineFacts(host=HostFacts(os=self._system.lower(), name=name, source="this machine"),
                                notes=(f"{self._system} is not looked at any closer",))
        return linux.facts(self._root, self._environment, answers.ask(self._environment), machine=machine,
                           kernel=platform.release(), name=name)

    def run(self, command: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None) -> Done:
        """See the port."""
        import subprocess

        what = f"cannot run {command[0]}"
        try:
            done = subprocess.run(list(command), input=stdin, capture_output=True, timeout=timeout, check=False)
        except FileNotFoundError:
            raise ToolError(what, why="there is no such program", program=command[0]) from None
        except subprocess.TimeoutExpired:
            raise ToolError(what, why=f"it did not end within {timeout:g} seconds", program=command[0]) from None
        except (OSError, ValueError) as error:
            raise ToolError(what, why=" ".join(str(error).split())[:200], program=command[0]) from error
        return Done(done.returncode, done.stdout, done.stderr)

    def close(self) -> None:
        """Nothing to let go of."""

    def _windows(self) -> MachineFacts:
        shell = "powershell.exe"
        command = [shell, "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-File", str(_SCRIPT)]
        done = self.run(command + (["-Online"] if self._online else []), timeout=_PATIENCE)
        try:
            return collected(done.out)
        except FormatError as error:
            said = " ".join(done.err.decode("utf-8", "replace").split())[:200]
            raise ToolError("cannot collect the facts of this machine", program=shell,
                            why=f"exit code {done.code}; {error.why}" + (f"; it says: {said}" if said else ""),
                            hint="run 'wcow doctor facts --script' by hand to see where it stops") from error
