# SPDX-License-Identifier: Apache-2.0
"""How a build downloads, as plain values: for an engine, which hands it to another process and knows no fetcher."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..fetch import DownloadMap, Fetcher, NetworkFetcher


@dataclass(frozen=True, slots=True)
class Downloads:
    """Where downloads come from (see :class:`~..fetch.DownloadMap`), and whether there is a network at all."""

    rules: tuple[tuple[str, str | Path], ...] = ()
    offline: bool = False

    def to_json(self) -> dict[str, Any]:
        """As a document."""
        return {"offline": self.offline,
                "rules": [(prefix, str(target), isinstance(target, Path)) for prefix, target in self.rules]}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Downloads:
        """From a document that :meth:`to_json` made."""
        return cls(tuple((prefix, Path(target) if is_folder else target)
                         for prefix, target, is_folder in document["rules"]), bool(document["offline"]))

    def fetcher(self) -> Fetcher:
        """What downloads so."""
        return NetworkFetcher(downloads=DownloadMap(self.rules), offline=self.offline)
