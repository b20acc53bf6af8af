# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which function does the work of which module. A task loads only what it needs: each has a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from ._task import Task

_HOME = {
    "container": "_resources.container", "container_copy": "_resources.exec", "container_exec": "_resources.exec",
    "container_info": "_resources.container",
    "image": "_resources.image", "image_build": "_resources.build", "image_compat": "_compat",
    "image_info": "_resources.image",
    "network": "_resources.network", "network_info": "_resources.network", "prune": "_resources.prune",
    "tunnel": "_ways.tunnel", "volume": "_resources.volume",
    "volume_info": "_resources.volume",
}


def function_of(module: str) -> Callable[[Task], dict[str, Any]]:
    """Return the function that does a module's work."""
    found: Callable[[Task], dict[str, Any]] = getattr(import_module(f".{_HOME[module]}", __package__), module)
    return found
