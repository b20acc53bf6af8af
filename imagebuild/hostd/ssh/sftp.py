# SPDX-License-Identifier: Apache-2.0
"""``sftp-server.exe`` on a host's drive, where OpenSSH's installer for Windows puts it."""

from __future__ import annotations

from ...engine import engine_place
from ...programs import our_program
from ..docker.files import lay
from ..record import HostPlace

FOLDER = ("Program Files", "OpenSSH")
NAME = "sftp-server.exe"


def lay_sftp_server(place: HostPlace) -> None:
    """Put the program on a host. StoreError; UnsupportedError where it cannot be made."""
    lay(place, our_program(NAME, engine_place().root / "sandbox"), NAME, FOLDER)
