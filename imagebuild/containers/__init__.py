# SPDX-License-Identifier: Apache-2.0
"""Containers of any Windows engine: what one shall be, its start, programs in it, its end.

::

    box = run_container(Client.at("unix:///run/wcow/engine.sock"), Spec.of("app:1", mounts={r"C:\\data": Path("data")}))
    assert box.cmd("type C:\\\\data\\\\a.txt").check().stdout == "hello\\n"
    box.remove()

Each name is loaded when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .bases import Base, base_reference
    from .container import Container, create_container, run_container
    from .deadline import Deadline, DeadlineError
    from .difference import Difference, differences
    from .home import Home
    from .labels import Owner, owner, process_start
    from .lifecycle import Leftover, remove
    from .mount import Mount
    from .outcome import CommandError, Outcome
    from .path import ContainerPath
    from .powershell import ErrorRecord, ScriptOutcome
    from .prepare import prepare_mounts
    from .processes import ProcessRow
    from .registry import Key
    from .spec import Port, Spec, create_request
    from .stage import Staging
    from .start import Starts
    from .sweep import Found, find_leftovers, remove_leftovers
    from .trouble import trouble_of
    from .wait import ForDns, ForExec, ForExit, ForFile, ForHealthy, ForHttp, ForLog, ForPort, Strategy

_HOME = {
    "Base": "bases", "base_reference": "bases", "Container": "container", "run_container": "container",
    "create_container": "container", "Deadline": "deadline", "DeadlineError": "deadline",
    "Difference": "difference", "differences": "difference", "Home": "home", "Owner": "labels", "owner": "labels",
    "process_start": "labels", "Leftover": "lifecycle", "remove": "lifecycle", "Mount": "mount",
    "CommandError": "outcome", "Outcome": "outcome", "ContainerPath": "path", "ScriptOutcome": "powershell",
    "ErrorRecord": "powershell", "prepare_mounts": "prepare", "ProcessRow": "processes", "Key": "registry",
    "Port": "spec", "Spec": "spec", "create_request": "spec", "Staging": "stage", "Starts": "start",
    "find_leftovers": "sweep", "remove_leftovers": "sweep", "Found": "sweep", "trouble_of": "trouble",
    "Strategy": "wait", "ForLog": "wait", "ForPort": "wait", "ForHttp": "wait", "ForFile": "wait",
    "ForHealthy": "wait", "ForExit": "wait", "ForExec": "wait", "ForDns": "wait",
}

__all__ = [
    "Base", "CommandError", "Container", "ContainerPath", "Deadline", "DeadlineError", "Difference", "ErrorRecord",
    "ForDns", "ForExec", "ForExit", "ForFile", "ForHealthy", "ForHttp", "ForLog", "ForPort", "Found", "Home", "Key",
    "Leftover", "Mount", "Outcome", "Owner", "Port", "ProcessRow", "ScriptOutcome", "Spec", "Staging", "Starts",
    "Strategy", "base_reference", "create_container", "create_request", "differences", "find_leftovers", "owner",
    "prepare_mounts", "process_start", "remove", "remove_leftovers", "run_container", "trouble_of",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value
