# SPDX-License-Identifier: Apache-2.0
"""Security descriptors of files as programs of a box find and leave them.

Wine keeps none. Here they are in an extended attribute, in Windows' own bytes: an unpacked layer has it where a file
does not simply inherit, and ``programs/security.c`` reads and writes it.
"""

from __future__ import annotations

import os
from dataclasses import replace

from ...errors import FormatError
from ...windows.acl.inherit import inherited
from ...windows.acl.sddl import parse_sddl
from ...windows.folders import ROOT_SDDL
from ...windows.security import Acl, SecurityDescriptor
from ...windows.sid import ADMINISTRATORS, Sid
from .file import SECURITY

NAME = SECURITY
MOST = 4000
"""Bytes: SECURITY_ROOM of ``programs/acl.h``. A longer one cannot be shown to a box."""
WINES_USER = Sid(5, (21, 0, 0, 0, 1000))
"""The user of every box, as Wine calls it."""


def root_security() -> bytes:
    """The descriptor of ``C:\\``, which layers do not have."""
    return parse_sddl(ROOT_SDDL).to_bytes()


class Inheritance:
    """What new files and folders inherit; each answer is worked out once."""

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, bool], bytes] = {}

    def below(self, parent: bytes, *, directory: bool) -> bytes:
        """The descriptor of something new in a folder with the descriptor ``parent``."""
        found = self._known.get((parent, directory))
        if found is None:
            found = inherited(SecurityDescriptor.from_bytes(parent), directory=directory,
                              owner=ADMINISTRATORS).to_bytes()
            self._known[parent, directory] = found
        return found

    def to_keep(self, security: bytes | None, parent: bytes | None, *, directory: bool) -> bytes:
        """What has to be said of a file with this descriptor: nothing where it inherits it, and where it is too long.
        """
        if security is None or len(security) > MOST:
            return b""
        if parent is not None and security == self.below(parent, directory=directory):
            return b""
        return security


def read_security(number: int) -> bytes:
    """The descriptor that an open file or folder has of its own; empty where it has none, or where a program of the box
    left something that is none."""
    try:
        return SecurityDescriptor.from_bytes(os.getxattr(number, NAME)).to_bytes()
    except (OSError, FormatError):  # it has none
        return b""


def with_account(security: bytes, account: Sid) -> bytes:
    """A descriptor with the account that a container runs as in place of the user that Wine has."""
    if WINES_USER.to_bytes() not in security:
        return security
    found = SecurityDescriptor.from_bytes(security)

    def acl(one: Acl | None) -> Acl | None:
        return one and replace(one, aces=tuple(replace(ace, sid=sid(ace.sid)) for ace in one.aces))

    def sid(one: Sid | None) -> Sid | None:
        return account if one == WINES_USER else one

    return replace(found, owner=sid(found.owner), group=sid(found.group), dacl=acl(found.dacl),
                   sacl=acl(found.sacl)).to_bytes()


__all__ = ["MOST", "NAME", "Inheritance", "read_security", "root_security", "with_account"]
