# SPDX-License-Identifier: Apache-2.0
"""The real fetcher: HTTP, git, and the folders of the download map, with one set of options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import FetchError
from .downloadmap import DownloadMap
from .git import fetch_git
from .giturl import SCHEMES, GitSource
from .port import Checkout, Download, Progress
from .redact import redact
from .url import LIMIT, fetch_url


@dataclass(frozen=True, slots=True)
class NetworkFetcher:
    """Fetches from the network. ``offline`` refuses all but what the download map keeps in folders.

    ``limit`` is in bytes, ``timeout`` in seconds without a byte, ``proxies`` a scheme's proxy (default: the
    environment's), ``folder`` where temporary files go (default: the system's).
    """

    downloads: DownloadMap = field(default_factory=DownloadMap)
    limit: int = LIMIT
    timeout: float = 60
    proxies: Mapping[str, str] | None = None
    folder: Path | None = None
    offline: bool = False
    protocols: tuple[str, ...] = SCHEMES

    def url(self, url: str, *, checksum: str | None = None, progress: Progress | None = None) -> Download:
        """See :class:`~imagebuild.fetch.port.Fetcher`."""
        if self.offline and not isinstance(self.downloads.resolve(url), Path):
            raise FetchError(f"cannot download {redact(url)}", url=redact(url), why="--offline was given",
                             hint="map it to a folder with [download] in wcow.toml")
        return fetch_url(url, checksum=checksum, limit=self.limit, progress=progress, timeout=self.timeout,
                         proxies=self.proxies, downloads=self.downloads, folder=self.folder)

    def git(self, url: str, *, keep_git_dir: bool = False, checksum: str | None = None) -> Checkout:
        """See :class:`~imagebuild.fetch.port.Fetcher`."""
        source = GitSource.parse(url, schemes=self.protocols)
        if self.offline:
            raise FetchError(f"cannot clone {source}", url=str(source), why="--offline was given")
        return fetch_git(source, keep_git_dir=keep_git_dir, checksum=checksum, folder=self.folder,
                         protocols=self.protocols)
