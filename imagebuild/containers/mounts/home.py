# SPDX-License-Identifier: Apache-2.0
"""Where an engine's containers are, seen from here: whose files a mount names, and where published ports are."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from ...dockerapi import shapes

EMBEDDED_LABEL = "wcow.version="
"""What the engine's own labels begin with in the embedded engine."""
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Home:
    """``local``: the engine's folders are those of this machine. ``host`` is where ports that it publishes are."""

    local: bool = True
    host: str = LOOPBACK
    embedded: bool = False

    @classmethod
    def of(cls, address: str, info: shapes.Info) -> Self:
        """The home of the engine at an address, by what it says of itself.

        A socket of this machine may lead to another one (a tunnel), so only the embedded engine, and on Windows the
        engine behind a pipe, count as local.
        """
        embedded = any(label.startswith(EMBEDDED_LABEL) for label in info.labels or ())
        scheme = address.partition(":")[0]
        local = (embedded and scheme == "unix") or (os.name == "nt" and scheme == "npipe")
        host = urlsplit(address).hostname or LOOPBACK if scheme in ("tcp", "http", "https", "ssh") else LOOPBACK
        return cls(local, host, embedded)
