# SPDX-License-Identifier: Apache-2.0
"""Files and folders that are whole or not there, and locks that end with their process.

:func:`write_whole` and :class:`Draft` write a file, :class:`DraftDirectory` makes a folder, :func:`locked` lets one
process in at a time, :func:`hold` and :func:`abandoned` tell a file in the making from one that a killed process left,
:func:`scratch` gives a temporary folder that does not stay. :func:`data_folder` and its sisters are the user's folders.
"""

from __future__ import annotations

from .atomic import Draft, write_all, write_whole
from .directory import DraftDirectory, abandoned_directories
from .liveness import STALE_SECONDS, abandoned, hold, still_there
from .lock import locked
from .places import cache_folder, data_folder, runtime_folder, state_folder
from .scratch import scratch

__all__ = ["STALE_SECONDS", "Draft", "DraftDirectory", "abandoned", "abandoned_directories", "cache_folder",
           "data_folder", "hold", "locked", "runtime_folder", "scratch", "state_folder", "still_there", "write_all",
           "write_whole"]
