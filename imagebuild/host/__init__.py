# SPDX-License-Identifier: Apache-2.0
"""A machine that runs containers: what it is, and programs run on it.

``Host`` is the port, ``LocalHost`` this machine, ``MemoryHost`` the fake for tests. ``collected`` reads what the
collector printed that people run on a Windows host (``collector_script``).
"""

from __future__ import annotations

from .collector import collected, collector_script
from .local import LocalHost
from .memory import MemoryHost
from .port import Done, Host

__all__ = ["Done", "Host", "LocalHost", "MemoryHost", "collected", "collector_script"]
