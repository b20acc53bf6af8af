# SPDX-License-Identifier: Apache-2.0
"""What a rule is, and what a finding is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

Importer = Literal["base", "wcifs", "cimfs", "engine"]
"""Who reads an image on Windows.

``base`` imports the first layer (hcsshim ``baselayerwriter.go``), ``wcifs`` every other one (``legacy.go``); ``cimfs``
imports both kinds where an engine uses CimFS (``internal/wclayer/cim``); ``engine`` is dockerd or containerd, which
look at manifest and config before any layer is imported.
"""
IMPORTERS: tuple[Importer, ...] = ("base", "wcifs", "cimfs", "engine")

Where = Literal["any", "base", "layer"]
"""Which layers a rule speaks of: all, the first one, or those above it."""


class Severity(IntEnum):
    """How bad it is; the larger the worse."""

    NOTE = 1
    """Good to know; nothing need be done."""
    WARNING = 2
    """It is imported, and something will probably not be as it was meant."""
    ERROR = 3
    """The import fails, or what it was meant to do can never work."""

    def word(self) -> str:
        """``error``, ``warning`` or ``note``."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, as the table has it.

    ``id`` is stable: it is what ``--ignore`` takes. ``severity`` says for each importer that minds how bad it is.
    ``source`` is the public place the fact comes from (``repository:path``, an issue, a specification), ``why`` what
    happens on Windows, ``fix`` what to do about it. ``proven`` is false where nobody has shown it on a Windows host.
    """

    id: str
    title: str
    severity: Mapping[Importer, Severity]
    source: str
    why: str
    fix: str
    where: Where = "any"
    proven: bool = True

    def worst(self) -> Severity:
        """The severity for the importer that minds most."""
        return max(self.severity.values())


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where an image breaks a rule.

    ``importers`` are those of the asked ones that mind, ``severity`` the worst of theirs. ``layer`` is the layer's
    number, 0 for the lowest, ``None`` for the image as a whole and for a layer alone; ``digest`` the digest of the
    layer's blob, where it has one; ``path`` the name in the tar; ``offset`` where the entry's first header block
    begins in the uncompressed tar, ``None`` while a layer is being written.
    """

    rule: str
    severity: Severity
    message: str
    path: str = ""
    offset: int | None = None
    layer: int | None = None
    digest: str = ""
    importers: tuple[Importer, ...] = ()

    def facts(self) -> dict[str, object]:
        """For JSON."""
        return {"rule": self.rule, "severity": self.severity.word(), "importers": list(self.importers),
                "layer": self.layer, "digest": self.digest, "path": self.path, "offset": self.offset,
                "message": self.message}


__all__ = ["IMPORTERS", "Finding", "Importer", "Rule", "Severity", "Where"]
