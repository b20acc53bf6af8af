# SPDX-License-Identifier: Apache-2.0
"""Tasks of the modules for Docker objects, against an engine of :mod:`.engines` behind a socket."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import programs
from .ansible_hosts import Controller, Played
from .engines import Served


def ours(module: str, **args: Any) -> dict[str, Any]:
    """Return a task of a module of the collection."""
    return {f"wcow.containers.{module}": args}


def play(controller: Controller, served: Served, *tasks: dict[str, Any], arguments: Sequence[str] = ("--diff",),
         ) -> Played:
    """Play tasks on the engine, whose address is a default of the group."""
    with programs.skipping():
        return controller.play(*tasks, arguments=arguments, module_defaults={
            "group/wcow.containers.docker": {"docker_host": f"unix://{served.socket}"}})
