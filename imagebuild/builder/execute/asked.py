# SPDX-License-Identifier: Apache-2.0
"""``--acl``, ``--attr`` and ``--junction``: what was asked for which path, checked before anything is built."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import UsageError, WcowError
from ...windows.acl.sddl import parse_sddl
from ...windows.attributes import change as change_attributes
from ...windows.names import check_path, join, parse_path
from ...windows.security import SecurityDescriptor
from ...windows.upcase import fold
from ..compose.view import layer_path
from ..request import BuildRequest


@dataclass(frozen=True, slots=True)
class Asked:
    """What ``--acl``, ``--attr`` and ``--junction`` ask, checked and keyed by folded layer path. ``shown`` has the
    paths as they were written."""

    acls: dict[str, SecurityDescriptor]
    attributes: dict[str, str]
    junctions: list[tuple[tuple[str, ...], str]]
    shown: dict[str, str]

    @classmethod
    def of(cls, request: BuildRequest) -> Asked:
        acls = {}
        for path, sddl in request.acls:
            try:
                if not sddl:
                    raise UsageError("it has no SDDL", hint="--acl C:\\app=D:(A;OICI;FA;;;BA)")
                acls[_key(path, "--acl")] = parse_sddl(sddl)
            except WcowError as error:
                raise UsageError(f"--acl {path}: {error.what}", why=error.why, hint=error.hint) from None
        attributes = {}
        for path, letters in request.attributes:
            try:
                change_attributes(0, letters)
            except WcowError as error:
                raise UsageError(f"--attr {path}={letters}: {error.what}", why=error.why,
                                 hint=error.hint or "--attr C:\\app=+RH-A") from None
            attributes[_key(path, "--attr")] = letters
        junctions = []
        for path, target in request.junctions:
            components = parse_path(path)
            check_path(components)
            if not components:
                raise UsageError(f"--junction {path}={target} cannot be made", why="C:\\ is no place for a junction",
                                 hint="name a folder below it that is not there yet")
            to = parse_path(target)
            if not target or fold(join(to)) == fold(join(components)):
                raise UsageError(f"--junction {path}={target} cannot be made",
                                 why="it would point to itself" if target else "it names no target",
                                 hint="--junction C:\\link=C:\\folder")
            junctions.append((components, join(to)))
        shown = {_key(path, ""): path for path, _unused in (*request.acls, *request.attributes)}
        return cls(acls, attributes, junctions, shown)


def _key(path: str, flag: str) -> str:
    components = parse_path(path)
    if not components:
        raise UsageError(f"{flag} {path} cannot be kept", why="layers carry no security descriptor for C:\\ itself",
                         hint="name a folder or file below it")
    return fold(layer_path(components))
