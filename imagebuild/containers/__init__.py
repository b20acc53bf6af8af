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
    from .inside.environ import Environ
    from .inside.execute import Ways, cmd_words, powershell_words, run_program
    from .inside.outcome import CommandError, Outcome
    from .inside.path import ContainerPath
    from .inside.powershell import ErrorRecord, ScriptOutcome
    from .inside.processes import ProcessRow
    from .inside.registry import Key
    from .labels import Owner, owner, process_start
    from .lifecycle import Leftover, remove
    from .mounts.home import Home
    from .mounts.mount import Mount
    from .mounts.prepare import prepare_mounts
    from .mounts.stage import Staging
    from .spec import Attachment, Health, Port, Spec, create_request, endpoint, restart_policy
    from .start import Starts, start_container
    from .sweep import Found, find_leftovers, remove_leftovers
    from .trouble import trouble_of
    from .wait import ForDns, ForExec, ForExit, ForFile, ForHealthy, ForHttp, ForLog, ForPort, Strategy

_HOME = {
    "Base": "bases", "base_reference": "bases", "Container": "container", "run_container": "container",
    "create_container": "container", "Deadline": "deadline", "DeadlineError": "deadline",
    "Difference": "difference", "differences": "difference", "Environ": "inside.environ", "Home": "mounts.home",
    "Owner": "labels",
    "owner": "labels",
    "process_start": "labels", "Leftover": "lifecycle", "remove": "lifecycle", "Mount": "mounts.mount",
    "CommandError": "inside.outcome", "Outcome": "inside.outcome", "ContainerPath": "inside.path",
    "ScriptOutcome": "inside.powershell",
    "ErrorRecord": "inside.powershell", "prepare_mounts": "mounts.prepare", "ProcessRow": "inside.processes",
    "Key": "inside.registry",
    "Port": "spec", "Spec": "spec", "create_request": "spec", "Attachment": "spec", "Health": "spec",
    "endpoint": "spec", "restart_policy": "spec", "start_container": "start", "run_program": "inside.execute",
    "Ways": "inside.execute", "cmd_words": "inside.execute", "powershell_words": "inside.execute",
    "Staging": "mounts.stage", "Starts": "start",
    "find_leftovers": "sweep", "remove_leftovers": "sweep", "Found": "sweep", "trouble_of": "trouble",
    "Strategy": "wait", "ForLog": "wait", "ForPort": "wait", "ForHttp": "wait", "ForFile": "wait",
    "ForHealthy": "wait", "ForExit": "wait", "ForExec": "wait", "ForDns": "wait",
}

__all__ = [
    "Attachment", "Base", "CommandError", "Container", "ContainerPath", "Deadline", "DeadlineError", "Difference",
    "Environ", "ErrorRecord", "ForDns", "ForExec", "ForExit", "ForFile", "ForHealthy", "ForHttp", "ForLog", "ForPort",
    "Found", "Health", "Home", "Key", "Leftover", "Mount", "Outcome", "Owner", "Port", "ProcessRow", "ScriptOutcome",
    "Spec", "Staging", "Starts", "Strategy", "Ways", "base_reference", "cmd_words", "create_container",
    "create_request", "differences", "endpoint", "find_leftovers", "owner", "powershell_words", "prepare_mounts",
    "process_start", "remove", "remove_leftovers", "restart_policy", "run_container", "run_program",
    "start_container", "trouble_of",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value
