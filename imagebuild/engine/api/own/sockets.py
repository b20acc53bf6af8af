# SPDX-License-Identifier: Apache-2.0
"""Unix sockets of this machine that calls of ours name, to which the engine then carries what a container's programs
say."""

from __future__ import annotations

from pathlib import Path

from ....dockerapi import faults
from ...settings import EngineSettings


def socket_of(settings: EngineSettings, text: str) -> Path:
    """Return the path of a socket that a client names.

    BadRequest when it is not absolute; Forbidden in an engine whose clients are programs in a box, to which nothing of
    this machine is open: they would reach any socket of it through a container.
    """
    if not settings.native:
        raise faults.Forbidden("this engine opens no socket of the machine that it runs on")
    if not text.startswith("/"):
        raise faults.BadRequest("Socket is not an absolute path")
    return Path(text)


__all__ = ["socket_of"]
