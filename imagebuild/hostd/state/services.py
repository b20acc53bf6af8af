# SPDX-License-Identifier: Apache-2.0
"""The services of a host as its state has them, as lines of a batch file: made, removed, started and stopped.

A service other than docker is one of ours that runs and does nothing (``runtime/programs/service.c``). Start and stop
happen once, when a state is written: after a restart Windows starts those that start by themselves.
"""

from __future__ import annotations

import re

from ...errors import FormatError
from ...windows.facts.machine import Service
from .state import HostState

PROGRAM = r"C:\ProgramData\wcow\service.exe"
_STARTS = {"auto": "auto", "manual": "demand", "disabled": "disabled"}
_ALWAYS = Service("WinRM", "running", "auto")
"""What every host has that is reached by WinRM; the service only runs, and ends no connection when it is stopped."""
_TITLES = {"WinRM": "Windows Remote Management (WS-Management)"}
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,80}")
_OURS = frozenset({"docker"})
_STEADY = ("running", "stopped", "absent", "unknown")


def check(state: HostState) -> None:
    """Refuse services that a host cannot have. FormatError."""
    for service in state.machine.services or ():
        if not _NAME.fullmatch(service.name):
            raise _wrong(service, "a service's name has letters, digits, '.', '_' and '-'")
        if service.state not in _STEADY:
            raise _wrong(service, f"it is {service.state}; a host's services are running, stopped or absent")
        if service.start in ("boot", "system"):
            raise _wrong(service, f"it starts as {service.start}, which drivers do")


def batch(state: HostState) -> bytes:
    """Return a batch file that makes the services what the state says."""
    lines = ["@echo off"]
    for service in _services(state):
        if service.state == "unknown":
            continue
        name = service.name
        if service.state == "absent":
            lines.append(f"sc query {name} >nul 2>&1 && (net stop {name} >nul 2>&1 & sc delete {name} >nul)")
            continue
        if name not in _OURS:
            lines.append(f'sc query {name} >nul 2>&1 || sc create {name} binPath= "{PROGRAM}" '
                         f'start= {_STARTS.get(service.start or "", "demand")} '
                         f'DisplayName= "{_TITLES.get(name, name)}" >nul')
        lines.append(f"net {'start' if service.state == 'running' else 'stop'} {name} >nul 2>&1")
    return "\r\n".join([*lines, "exit /b 0", ""]).encode("ascii")


def _services(state: HostState) -> tuple[Service, ...]:
    told = state.machine.services or ()
    return told if any(one.name.lower() == "winrm" for one in told) else (*told, _ALWAYS)


def _wrong(service: Service, why: str) -> FormatError:
    return FormatError("cannot use this state of a host", source=f"machine.services.{service.name[:60]}", why=why)
