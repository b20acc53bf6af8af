# SPDX-License-Identifier: Apache-2.0
"""Passwords of hosts: from the environment, the keyring, or the terminal. Never from an address or an argument."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from ...errors import UsageError

if TYPE_CHECKING:
    from ...host.address import HostAddress

PASSWORD = "WCOW_HOST_PASSWORD"
SERVICE = "wcow"
"""The keyring's service; the user name in it is ``user@host``."""


def password_of(address: HostAddress) -> str:
    """The password for a login at this address. UsageError when there is none, and no terminal to ask at."""
    return os.environ.get(PASSWORD, "") or _kept(address) or _asked(address)


def _kept(address: HostAddress) -> str:
    """The password in the keyring; empty without a keyring or without one in it."""
    try:
        import keyring  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return ""
    try:
        return keyring.get_password(SERVICE, f"{address.user}@{address.name}") or ""
    except Exception:  # a keyring that is locked or has no backend has no password for us
        return ""


def _asked(address: HostAddress) -> str:
    if not sys.stdin.isatty():
        raise UsageError(f"{address} needs a password", why="none was given, and there is no terminal to ask at",
                         hint=f"--password-stdin, {PASSWORD}, or the keyring (service {SERVICE}, user "
                              f"{address.user}@{address.name})")
    import getpass

    return getpass.getpass(f"Password of {address}: ")
