# SPDX-License-Identifier: Apache-2.0
"""The releases that people mean by a name: ``ltsc2022``, ``Windows 11 25H2``, ``Server 2025``, ``22H2``."""

from __future__ import annotations

import re

from ...windows.facts.host import Product
from ...windows.releases import RELEASES, Release

_NAME = re.compile(r"(?:microsoft )?(?P<family>windows|win|ws)? ?(?P<server>server)?,? ?(?P<rest>[a-z0-9 .,()]*)")
_NOISE = re.compile(r"\b(datacenter|standard|essentials|enterprise|education|professional|pro|home|evaluation|azure "
                    r"edition|core|iot|ltsc|version|for workstations|n)\b|[(),]")


def named_releases(text: str) -> list[tuple[Release, Product]]:
    """Each release that ``text`` may mean, and whether as a server or a client (empty: nobody said); none, one, or
    several where a name is not enough (``22H2`` is a Windows 10 and a Windows 11)."""
    words = " ".join(text.lower().split())
    tagged = [known for known in RELEASES if words and words in map(str.lower, known.tags)]
    if tagged:
        # ltsc2022 is a server's name; 1809 is that of a client, too.
        return [(tagged[0], "server" if words[:4] in ("ltsc", "sac2") else _only(tagged[0]))]
    found = _NAME.fullmatch(" ".join(re.sub("[-_]", " ", words).split()))
    rest = " ".join(_NOISE.sub(" ", found["rest"]).split()) if found else ""
    if found is None or not rest:
        return []
    server, family = bool(found["server"]) or found["family"] == "ws", found["family"]
    out: list[tuple[Release, Product]] = []
    for known in RELEASES:
        names = _server_names(known), _client_names(known)
        if server and rest in names[0]:
            out.append((known, "server"))
        elif not server and rest in names[1]:
            out.append((known, "client" if family else _only(known)))
        elif not server and not family and rest in names[0]:
            out.append((known, _only(known)))
    return out


def _server_names(known: Release) -> set[str]:
    if not known.server:
        return set()
    return {known.version.lower(), *re.findall(r"\b20\d\d\b", known.server)}


def _client_names(known: Release) -> set[str]:
    """``25h2`` and ``11 25h2`` for Windows 11, version 25H2."""
    if not known.client:
        return set()
    full = known.client.lower().removeprefix("windows ")
    return {known.version.lower(), " ".join(_NOISE.sub(" ", full).split())}


def _only(known: Release) -> Product:
    """What a build is when there is only one kind of it."""
    return "client" if not known.server else "server" if not known.client else ""
