# SPDX-License-Identifier: Apache-2.0
"""One process that keeps the tunnels to many hosts' engines, for short-lived processes that each ask for one.

Ansible runs each task in a process of its own; connections made there end with it. The broker is started by the first
task that needs it (:func:`engine`), keeps a :class:`~imagebuild.host.tunnel.Tunnel` per host and login, and ends with
the process that it serves, or after it was idle. Options and passwords reach it by a pipe and by a socket that its
owner alone may use, never by a command line or a file.
"""

from __future__ import annotations

from .client import Reached, engine, forget
from .server import main

__all__ = ["Reached", "engine", "forget", "main"]
