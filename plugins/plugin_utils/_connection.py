# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The engine behind a host's own connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...imagebuild.dockerapi import Client
from ._task import TaskError


def through_connection(connection: Any, task_vars: Any) -> Callable[[float], Client]:
    """Return what connects to the engine of the host that an Ansible connection reaches."""
    def connect(seconds: float) -> Client:
        raise TaskError(f"the engine cannot be reached through a connection of the kind {connection.transport}:"
                        " name its address in docker_host")

    return connect
