# SPDX-License-Identifier: Apache-2.0
"""Who may open an engine's pipe, read from its security descriptor."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import WcowError
from ..windows import security as s
from ..windows.acl.access import FILE, access_check
from ..windows.acl.sddl import parse_sddl
from ..windows.security import SecurityDescriptor
from ..windows.sid import Sid, account_name

_CLIENT = s.GENERIC_READ | s.GENERIC_WRITE
"""What a docker client opens the pipe with (microsoft/go-winio pipe.go)."""
_EVERYBODY = {Sid.parse(text) for text in ("S-1-1-0", "S-1-5-11", "S-1-5-32-545", "S-1-5-7", "S-1-5-4", "S-1-5-2")}
"""Everyone, Authenticated Users, Users, ANONYMOUS LOGON, INTERACTIVE, NETWORK."""


@dataclass(frozen=True, slots=True)
class Doormen:
    """What a descriptor says: the names of those who ``may`` open the pipe, and whether ``everybody`` is among them."""

    may: tuple[str, ...]
    everybody: bool
    descriptor: SecurityDescriptor

    def admits(self, sids: Iterable[Sid]) -> bool:
        """Whether somebody with these SIDs (user and groups) may open it."""
        return access_check(self.descriptor, set(sids), _CLIENT, mapping=FILE).allowed()


def read(sddl: str) -> Doormen | None:
    """Who may open a pipe with this SDDL; ``None`` when it cannot be read."""
    try:
        descriptor = parse_sddl(sddl)
    except WcowError:
        return None
    if descriptor.dacl is None:
        return Doormen(("everybody",), True, descriptor)
    named = {ace.sid for ace in descriptor.dacl.aces if ace.type == s.ALLOW and ace.sid is not None}
    may = [sid for sid in named if access_check(descriptor, {sid}, _CLIENT, mapping=FILE).allowed()]
    return Doormen(tuple(sorted(map(account_name, may))), bool(_EVERYBODY & set(may)), descriptor)


def sids_of(texts: Iterable[str]) -> set[Sid]:
    """SIDs from their texts; those that are none are left out."""
    out = set()
    for text in texts:
        try:
            out.add(Sid.parse(text))
        except WcowError:
            continue
    return out
