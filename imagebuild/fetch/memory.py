# SPDX-License-Identifier: Apache-2.0
"""The fake fetcher: content by URL from memory, for tests of whoever fetches."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ..errors import FetchError
from .giturl import GitSource
from .port import Checkout, Download, Progress
from .redact import redact
from .url import check_digest, parse_checksum, url_file_name


class MemoryFetcher:
    """Answers from ``files`` (URL to bytes) and ``repositories`` (URL without fragment to a path-to-bytes table).

    ``asked`` lists the URLs in the order they were asked for. Results are real temporary files, as the port promises.
    """

    def __init__(self, files: Mapping[str, bytes] | None = None,
                 repositories: Mapping[str, Mapping[str, bytes]] | None = None, *,
                 modified_ns: int | None = None) -> None:
        self.files = dict(files or {})
        self.repositories = {url: dict(tree) for url, tree in (repositories or {}).items()}
        self.modified_ns = modified_ns
        self.asked: list[str] = []

    def url(self, url: str, *, checksum: str | None = None, progress: Progress | None = None) -> Download:
        """See :class:`~imagebuild.fetch.port.Fetcher`."""
        self.asked.append(url)
        want = parse_checksum(checksum)
        if url not in self.files:
            raise FetchError(f"cannot download {redact(url)}", url=redact(url), why="the server answered 404",
                             status=404)
        data = self.files[url]
        check_digest(url, want, hashlib.new(want[0], data).hexdigest() if want else "")
        with tempfile.NamedTemporaryFile(prefix="wcow-download-", delete=False) as file:
            file.write(data)
        if progress:
            progress(len(data), len(data))
        return Download(Path(file.name), redact(url), url_file_name(url), len(data),
                        f"sha256:{hashlib.sha256(data).hexdigest()}", self.modified_ns)

    def git(self, url: str, *, keep_git_dir: bool = False, checksum: str | None = None) -> Checkout:
        """See :class:`~imagebuild.fetch.port.Fetcher`. The commit is a hash of the tree."""
        self.asked.append(url)
        source = GitSource.parse(url)
        tree = self.repositories.get(source.remote)
        if tree is None:
            raise FetchError(f"cannot clone {source}", url=str(source), why="repository not found")
        root = Path(tempfile.mkdtemp(prefix="wcow-git-"))
        digest = hashlib.sha1(usedforsecurity=False)
        for name, data in sorted(tree.items()):
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            digest.update(name.encode() + b"\0" + data)
        if keep_git_dir or source.keep_git_dir:
            (root / ".git").mkdir()
        return Checkout(root / source.subdir if source.subdir else root, root, str(source), digest.hexdigest(), 0)
