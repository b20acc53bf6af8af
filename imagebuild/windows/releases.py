# SPDX-License-Identifier: Apache-2.0
"""Windows releases that containers know: build numbers, names, the tags of their base images, how long they live.

The facts stand in ``releases.json`` beside this file (its form: ``releases.schema.json``), each with its source and all
with the day they were last compared with it. Windows goes on: a build that is not there is not an error.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from ..errors import FormatError, quoted
from .facts.host import Product

Channel = Literal["LTSC", "SAC", "annual", "client"]


@dataclass(frozen=True, slots=True)
class Support:
    """Until when a release, or one edition of it (``what``), gets updates, and who says so."""

    what: str
    until: date
    source: str


@dataclass(frozen=True, slots=True)
class Release:
    """One release, by its ``build``.

    ``version`` is what Windows shows (``DisplayVersion``, before 20H2 ``ReleaseId``). ``server`` and ``client`` are the
    names of the products with this build, empty where there is none. ``core`` is the kernel family: the first number of
    ``BuildLabEx``, equal for releases that are switched on by an enablement package. ``tags`` and ``images`` are those
    of Microsoft's base images, empty where it publishes none (clients, 23H2).
    """

    build: int
    version: str
    server: str
    client: str
    channel: Channel
    core: int
    tags: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ("amd64",)
    support: tuple[Support, ...] = ()
    sources: tuple[str, ...] = ()
    note: str = ""

    @property
    def name(self) -> str:
        """The name in full: the server's, where there is one, for images are made of it."""
        return self.server or self.client

    @property
    def tag(self) -> str:
        """The usual tag of its base images, empty where there are none."""
        return self.tags[0] if self.tags else ""

    def name_of(self, product: Product) -> str:
        """The name of this build as a server or as a client; the other one where there is no such product."""
        return (self.client or self.server) if product == "client" else self.name

    def os_version(self, revision: int = 0) -> str:
        """The ``os.version`` label of an image of this release."""
        return f"10.0.{self.build}.{revision}"


def _load() -> tuple[date, tuple[Release, ...]]:
    document = json.loads(Path(__file__).with_name("releases.json").read_bytes())
    return date.fromisoformat(document["updated"]), tuple(_release(row) for row in document["releases"])


def _release(row: dict[str, Any]) -> Release:
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
    values["support"] = tuple(Support(item["what"], date.fromisoformat(item["until"]), item["source"])
                              for item in row["support"])
    return Release(**values)


UPDATED, RELEASES = _load()
"""The day the table was last compared with its sources, and the releases in the order of their builds."""

_BY_BUILD = {known.build: known for known in RELEASES}


def release(build: int) -> Release | None:
    """The release with this build number, ``None`` when we do not know it."""
    return _BY_BUILD.get(build)


def find_release(text: str) -> Release | None:
    """The release of base images that people mean by ``ltsc2022``, ``1809``, ``20348``, ``10.0.20348.1``."""
    wanted = text.strip().lower()
    if wanted.count(".") >= 2:
        return release(parse_os_version(wanted)[2])
    named = [known for known in RELEASES if wanted == str(known.build) or wanted in map(str.lower, known.tags)]
    named += [known for known in RELEASES if known.tag and wanted == known.version.lower()]
    return named[0] if wanted and named else None


def parse_os_version(text: str) -> tuple[int, int, int, int]:
    """``10.0.20348.2527`` as numbers, a missing revision as 0; ``FormatError`` when it is no Windows version."""
    parts = text.split(".")
    if len(parts) not in (3, 4) or not all(part.isascii() and part.isdigit() and len(part) <= 9 for part in parts):
        raise FormatError(f"cannot read {quoted(text[:60])} as a Windows version", why="expected like 10.0.20348.2527")
    major, minor, build, revision = (*map(int, parts), 0)[:4]
    return major, minor, build, revision
