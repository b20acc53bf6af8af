# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Streams of progress: shown where the user asked for much, and their errors raised."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...imagebuild.dockerapi import jsonlines
from ...imagebuild.errors import DaemonError
from ._task import Task


def follow(task: Task, documents: Iterable[Any]) -> list[str]:
    """Read a stream to its end and return its lines. Raises DaemonError for an error that is in the stream."""
    lines: list[str] = []
    for document in documents:
        one = jsonlines.message(document)
        if one.error:
            raise DaemonError("the engine gave up", why=one.error, status=one.code or 500)
        text = one.stream.rstrip("\n") or " ".join(part for part in (one.id, one.status) if part)
        if text and one.progress is None:
            lines.append(text)
            task.note(text)
    return lines
