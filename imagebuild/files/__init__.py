# SPDX-License-Identifier: Apache-2.0
"""Files and folders that are whole or not there, and locks that end with their process.

:func:`write_whole` and :class:`Draft` write a file, :class:`DraftDirectory` makes a folder, :func:`locked` lets one
process in at a time, :func:`hold` and :func:`abandoned` tell a file in the making from one that a killed process left,
:func:`scratch` gives a temporary folder that does not stay.
"""

from __future__ import annotations

from .atomic import Draft, write_all, write_whole
from .directory import DraftDirectory, abandoned_directories
from .liveness import STALE_SECONDS, abandoned, hold, still_there
from .lock import locked
from .scratch import scratch

__all__ = ["STALE_SECONDS", "Draft", "DraftDirectory", "abandoned", "abandoned_directories", "hold", "locked",
           "scratch", "still_there", "write_all", "write_whole"]
