# SPDX-License-Identifier: Apache-2.0
"""The port: how content that is not in the build context comes to this machine.

Adapters: :class:`~imagebuild.fetch.network.NetworkFetcher` (HTTP, git, the download map's folders) and
:class:`~imagebuild.fetch.memory.MemoryFetcher` (the fake).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

Progress = Callable[[int, int | None], None]
"""Called with the bytes done so far and the total, where the server told it."""


@dataclass(frozen=True, slots=True)
class Download:
    """One file that was downloaded. Use it as a context manager: leaving it removes the file if it is ours.

    ``url`` is where the bytes came from in the end, fit to be shown. ``name`` is the last component of the path of the
    URL that was asked for, which is what ADD calls the file; empty where the URL has none. ``disposition`` is the name
    that the server proposed (``Content-Disposition``). ``modified_ns`` are nanoseconds since 1970 from
    ``Last-Modified``, ``None`` without. ``digest`` is ``sha256:…``. ``temporary`` says whether the file
    goes when this is closed.
    """

    path: Path
    url: str
    name: str
    size: int
    digest: str
    modified_ns: int | None = None
    etag: str = ""
    disposition: str = ""
    media_type: str = ""
    temporary: bool = True

    def close(self) -> None:
        """Remove the file, unless it is somebody else's. Safe to call twice."""
        if self.temporary:
            with suppress(FileNotFoundError):
                self.path.unlink()

    def __enter__(self) -> Download:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class Checkout:
    """One commit of a git repository as a folder. Use it as a context manager: leaving it removes the folder.

    ``path`` is the folder that was asked for (the subdirectory, if one was named) inside ``root``. ``commit`` is the
    full hash, ``committed`` the commit's time in seconds since 1970. ``url`` is fit to be shown.
    """

    path: Path
    root: Path
    url: str
    commit: str
    committed: int

    def close(self) -> None:
        """Remove the whole checkout. Safe to call twice."""
        shutil.rmtree(self.root, ignore_errors=True)

    def __enter__(self) -> Checkout:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a program downloaded by the proxy of downloads: the URL, and the digest (``sha256:…``) of the content."""

    url: str
    digest: str


class Fetcher(Protocol):
    """Brings files and repositories here. Nothing half-done remains after an error or an interruption."""

    def url(self, url: str, *, checksum: str | None = None, progress: Progress | None = None) -> Download:
        """The file behind a URL. Not cached: each call asks again. FetchError if it could not be had, IntegrityError
        if it is not what ``checksum`` (``sha256:…``, ``sha384:…``, ``sha512:…``) says, UnsupportedError for a scheme
        other than http and https."""

    def git(self, url: str, *, keep_git_dir: bool = False, checksum: str | None = None) -> Checkout:
        """One commit of a repository, named as BuildKit names it (``https://host/x.git#ref:subdir``). FetchError if it
        could not be had, IntegrityError if the commit is not ``checksum``, ToolError without the git program."""
