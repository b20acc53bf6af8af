# SPDX-License-Identifier: Apache-2.0
"""How a build downloads, as plain values: for an engine, which hands it to another process and knows no fetcher."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...fetch import DownloadMap, Fetcher, NetworkFetcher

if TYPE_CHECKING:
    from ...fetch.proxy.proxy import DownloadProxy


@dataclass(frozen=True, slots=True)
class Downloads:
    """Where downloads come from (see :class:`~...fetch.DownloadMap`), and whether there is a network at all."""

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

    @contextmanager
    def serve(self, *, alone: bool = False) -> Iterator[DownloadProxy | None]:
        """A proxy for one RUN that applies the map; ``None`` without one, and for a RUN without a network
        (``alone``)."""
        if alone or not self.rules:
            yield None
            return
        from ...fetch.proxy.origin import Origin
        from ...fetch.proxy.proxy import RunDownloads

        with RunDownloads("map", Origin(DownloadMap(self.rules), self.offline)).serve() as proxy:
            yield proxy

    def fetcher(self) -> Fetcher:
        """What downloads so."""
        return NetworkFetcher(downloads=DownloadMap(self.rules), offline=self.offline)
