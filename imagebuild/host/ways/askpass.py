# SPDX-License-Identifier: Apache-2.0
"""A password for the system's ``ssh``, by the program that it asks: in no command line and in no file."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ...files import write_whole

_NAME = "SSH_ASKPASS_ANSWER"
_PROGRAM = f"""#!/bin/sh
# Answers ssh's question for a password, and no other: not whether a host's key is right, not for a key's passphrase.
case "$1" in
  *assword:*) printf '%s\\n' "${_NAME}" ;;
  *) exit 1 ;;
esac
"""


class Askpass:
    """A program for ``SSH_ASKPASS``, made when it is first needed. The password is in the environment of the ssh
    processes alone, which the system shows to their owner only."""

    def __init__(self, password: str) -> None:
        self._password = password
        self._folder: Path | None = None

    def environment(self) -> Mapping[str, str]:
        """Return the environment of an ssh that shall log in with the password."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="wcow-ask-"))
            write_whole(self._folder / "askpass", _PROGRAM.encode(), mode=0o700)
        # DISPLAY is what an OpenSSH before 8.4 wants before it asks a program.
        return {**os.environ, "SSH_ASKPASS": str(self._folder / "askpass"), "SSH_ASKPASS_REQUIRE": "force",
                "DISPLAY": os.environ.get("DISPLAY") or "-", _NAME: self._password}

    def close(self) -> None:
        """Remove the program."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
