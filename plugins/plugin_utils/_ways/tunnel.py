# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A socket of the control node that leads to a host's engine, for other people's modules and programs."""

from __future__ import annotations

from typing import Any

from .._task import Task


def tunnel(task: Task) -> dict[str, Any]:
    """``wcow.containers.tunnel``."""
    if task.args["state"] == "absent":
        task.tunnel(False)
        return {"changed": False}
    address = task.tunnel(True)
    return {"changed": False, "docker_host": address, "environment": {"DOCKER_HOST": address}}
