# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Errors of the library as a task's failure: what failed, why, what to do, and the cause that the doctor names."""

from __future__ import annotations

from typing import Any

from ...imagebuild.errors import DaemonError, WcowError
from ._task import TaskError


def failure(error: WcowError) -> dict[str, Any]:
    """The values of a failed task: ``msg``, and ``cause`` and ``remedy`` where the doctor knows the error."""
    from ...imagebuild.doctor import explain  # loaded for failures only: its catalogue is large

    lines = [line.rstrip(".") for line in error.lines() if line]
    values: dict[str, Any] = {"msg": ". ".join(lines)}
    if isinstance(error, DaemonError) and getattr(error, "status", 0):
        values["status"] = error.status
    found = explain(str(error)).first
    if found is not None:
        values["cause"] = {"id": found.failure.id, "title": found.failure.title, "text": found.failure.cause,
                           "confidence": found.confidence}
        values["remedy"] = found.failure.remedy
        values["msg"] += f". {found.failure.title}: {found.failure.remedy.rstrip('.')}"
    return values


def failed(error: WcowError | OSError) -> TaskError:
    """The same as an error of the task. What the control node's own files say is told with the file's name."""
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return TaskError(f"the control node says: {where}{error.strerror or error}")
    values = failure(error)
    return TaskError(values.pop("msg"), **values)
