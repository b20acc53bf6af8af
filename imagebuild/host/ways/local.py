# SPDX-License-Identifier: Apache-2.0
"""This machine."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import FormatError, ToolError, UsageError
from ...windows.facts.host import HostFacts
from ...windows.facts.machine import MachineFacts
from .. import answers
from ..collector import collected
from ..command import Command
from ..reached import ReachedHost
from . import linux, powershell
from .process import ProcessCommand

if TYPE_CHECKING:
    from ...dockerapi import Client

_PATIENCE = 180.0
"""Seconds for the collector: CIM on a busy server takes its time."""
_SCRIPT = Path(__file__).parents[1] / "collector.ps1"


class LocalHost(ReachedHost):
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

    def open(self, command: Sequence[str], *, deadline: float | None = None) -> Command:
        """See the port."""
        if not command:
            raise UsageError("there is no program to run")
        found = ProcessCommand(command[0], command)
        found.limit(deadline)
        return found

    def script(self, text: str) -> list[str]:
        """See :class:`ReachedHost`. On other machines than Windows it is PowerShell 7, as ``pwsh``."""
        return powershell.command(text, powershell.PROGRAM if self._system == "Windows" else powershell.PWSH)

    def engine(self) -> Client:
        """See the port: the engine that docker would use with this environment."""
        from ...dockerapi import Client
        from ...dockerapi.client.environment import endpoint

        return Client.to(endpoint(self._environment))

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
