# SPDX-License-Identifier: Apache-2.0
"""Calls that are known and refused: swarm, which this engine does not have, and plugins, which Windows does not have.

Sources: moby 26.1 ``daemon/cluster``, ``plugin/backend_unsupported.go``.
"""

from __future__ import annotations

from typing import Any, NoReturn

from ...dockerapi import Request, Route, faults

KINDS = ("configs", "nodes", "secrets", "services", "tasks")
_NO_MANAGER = ('This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node '
               "to swarm and try again.")


async def no_manager(request: Request, engine: Any) -> NoReturn:
    """Of a swarm: there is none."""
    raise faults.Unavailable(_NO_MANAGER)


async def no_swarm(request: Request, engine: Any) -> NoReturn:
    """``docker swarm init`` and ``join``."""
    raise faults.NotImplemented("this engine has no swarm mode")


async def leave(request: Request, engine: Any) -> NoReturn:
    """``docker swarm leave``."""
    raise faults.Unavailable("This node is not part of a swarm")


async def no_plugins(request: Request, engine: Any) -> NoReturn:
    """``docker plugin``."""
    raise faults.Internal("plugins are not supported on this platform")


_SWARM = "refused: there is no swarm"
_WINDOWS = "refused, as on Windows"
ROUTES = (
    *(Route(method, f"/{kind}{{more:.*}}", no_manager, note=_SWARM)
      for kind in KINDS for method in ("GET", "POST", "DELETE")),
    Route("GET", "/swarm", no_manager, note=_SWARM),
    Route("GET", "/swarm/unlockkey", no_manager, note=_SWARM),
    Route("POST", "/swarm/init", no_swarm, note=_SWARM),
    Route("POST", "/swarm/join", no_swarm, note=_SWARM),
    Route("POST", "/swarm/leave", leave, note=_SWARM),
    Route("POST", "/swarm/unlock", no_manager, note=_SWARM),
    Route("POST", "/swarm/update", no_manager, note=_SWARM),
    *(Route(method, "/plugins{more:.*}", no_plugins, note=_WINDOWS) for method in ("GET", "POST", "DELETE")),
)
