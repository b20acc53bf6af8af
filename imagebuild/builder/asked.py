# SPDX-License-Identifier: Apache-2.0
"""``--acl``, ``--attr`` and ``--junction``: what was asked for which path, checked before anything is built."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import UsageError, WcowError
from ..windows.attributes import change as change_attributes
from ..windows.names import check_path, join, parse_path
from ..windows.sddl import parse_sddl
from ..windows.security import SecurityDescriptor
from ..windows.upcase import fold
from .request import BuildRequest
from .view import layer_path


@dataclass(frozen=True, slots=True)
class Asked:
    """What ``--acl``, ``--attr`` and ``--junction`` ask, checked and keyed by folded layer path."""

    acls: dict[str, SecurityDescriptor]
    attributes: dict[str, str]
    junctions: list[tuple[tuple[str, ...], str]]

    @classmethod
    def of(cls, request: BuildRequest) -> Asked:
        acls = {}
        for path, sddl in request.acls:
            try:
                acls[_key(path, "--acl")] = parse_sddl(sddl)
            except WcowError as error:
                raise UsageError(f"--acl {path}: {error.what}", why=error.why, hint=error.hint) from None
        attributes = {}
        for path, letters in request.attributes:
            change_attributes(0, letters)
            attributes[_key(path, "--attr")] = letters
        junctions = []
        for path, target in request.junctions:
            components = parse_path(path)
            check_path(components)
            junctions.append((components, join(parse_path(target))))
        return cls(acls, attributes, junctions)


def _key(path: str, flag: str) -> str:
    components = parse_path(path)
    if not components:
        raise UsageError(f"{flag} {path} cannot be kept", why="layers carry no security descriptor for C:\\ itself",
                         hint="name a folder or file below it")
    return fold(layer_path(components))
