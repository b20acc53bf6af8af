# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Credentials for a registry, which go with the call that needs them and are kept nowhere."""

from __future__ import annotations

import base64
import json
from typing import Any

from .._task import Task


def auth_header(task: Task) -> dict[str, str]:
    """The header ``X-Registry-Auth`` of the task's credentials, nothing where it has none."""
    found = login(task)
    if not found:
        return {}
    return {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(found).encode()).decode("ascii")}


def login(task: Task) -> dict[str, Any]:
    """The credentials as the engine's API has them."""
    user, password, token = (task.text(f"registry_{name}") for name in ("username", "password", "token"))
    if token:
        return {"identitytoken": token}
    if not user:
        return {}
    return {"username": user, "password": password}
