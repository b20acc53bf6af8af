# SPDX-License-Identifier: Apache-2.0
"""A Windows Docker engine on this machine: the Docker Engine API over a sandbox, stores and state on disk.

It is honest about what it is: Wine's userland stands in for the OS layers of an image, and what a Windows engine
refuses is refused in the same words.

:func:`ensure` gives the engine of a folder (the one that runs, the one that is starting, else a new process),
:func:`inside` one in this process, :func:`stop_engine` ends one; :func:`engine_place` says where the user's is. Each
name comes from its submodule when it is first asked for, so that asking loads nothing of the engine itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .serving.inner import inside
    from .serving.lock import Running, running
    from .serving.log import read_log
    from .serving.place import EnginePlace, engine_place
    from .serving.starting import ensure, start_engine, stop_engine
    from .settings import EngineSettings

__all__ = ["EnginePlace", "EngineSettings", "Running", "engine_place", "ensure", "inside", "read_log", "running",
           "start_engine", "stop_engine"]

_HOME = {
    "EnginePlace": "serving.place", "EngineSettings": "settings", "Running": "serving.lock",
    "engine_place": "serving.place",
    "ensure": "serving.starting", "inside": "serving.inner", "read_log": "serving.log", "running": "serving.lock",
    "start_engine": "serving.starting", "stop_engine": "serving.starting",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value
