# SPDX-License-Identifier: Apache-2.0
"""Fetchers for ADD that record what another one brings, or replay it (:mod:`.recordings`)."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from urllib.parse import urljoin

from ..errors import FetchError
from .port import Checkout, Download, Fetcher, Progress
from .recordings import CHUNK, Recorded, Recordings
from .redact import redact
from .url import REDIRECTS, check_digest, disposition, http_date, parse_checksum, url_file_name


@dataclass(frozen=True, slots=True)
class RecordingFetcher:
    """Brings what ``inner`` brings, and keeps files in ``recordings``; repositories are not kept."""

    inner: Fetcher
    recordings: Recordings

    def url(self, url: str, *, checksum: str | None = None, progress: Progress | None = None) -> Download:
        """See :class:`~.port.Fetcher`."""
        found = self.inner.url(url, checksum=checksum, progress=progress)
        modified = "" if found.modified_ns is None else formatdate(found.modified_ns // 10**9, usegmt=True)
        headers = {"Content-Type": found.media_type, "ETag": found.etag, "Last-Modified": modified,
                   "Content-Disposition": f'attachment; filename="{found.disposition}"' if found.disposition else ""}
        try:
            draft = self.recordings.draft()
            try:
                with found.path.open("rb") as file:
                    while data := file.read(CHUNK):
                        draft.write(data)
                kept = tuple((name, value) for name, value in headers.items() if value)
                self.recordings.keep(Recorded(url, headers=kept), draft, found.digest.partition(":")[2])
                self.recordings.save()
            finally:
                draft.discard()
        except OSError as error:
            found.close()
            raise FetchError(f"cannot record {redact(url)}", url=redact(url),
                             why=f"{self.recordings.folder}: {error.strerror or error}") from error
        return found

    def git(self, url: str, *, keep_git_dir: bool = False, checksum: str | None = None) -> Checkout:
        """See :class:`~.port.Fetcher`."""
        return self.inner.git(url, keep_git_dir=keep_git_dir, checksum=checksum)


@dataclass(frozen=True, slots=True)
class ReplayFetcher:
    """Brings what was recorded, and nothing else."""

    recordings: Recordings

    def url(self, url: str, *, checksum: str | None = None, progress: Progress | None = None) -> Download:
        """See :class:`~.port.Fetcher`."""
        import hashlib

        where, want = url, parse_checksum(checksum)
        for _unused in range(REDIRECTS + 1):
            found = self.recordings.find("GET", where)
            if found is None:
                raise self._missing(where)
            if not 300 <= found.status < 400 or not found.header("Location"):
                break
            where = urljoin(where, found.header("Location"))
        else:
            raise FetchError(f"cannot replay {redact(url)}", url=redact(url), why=f"more than {REDIRECTS} redirects")
        if found.status != 200:
            raise FetchError(f"cannot replay {redact(url)}", url=redact(url), status=found.status,
                             why=f"the server answered {found.status} when it was recorded")
        path = self.recordings.content(found) or Path("/dev/null")
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            check_digest(url, want, hashlib.file_digest(file, want[0]).hexdigest() if want else "")
        size = path.stat().st_size if found.file else 0
        if progress:
            progress(size, size)
        return Download(path, redact(where), url_file_name(url), size, f"sha256:{digest}",
                        http_date(found.header("Last-Modified")), found.header("ETag"),
                        disposition(found.header("Content-Disposition")),
                        found.header("Content-Type").partition(";")[0].strip().lower(), temporary=False)

    def git(self, url: str, *, keep_git_dir: bool = False, checksum: str | None = None) -> Checkout:
        """See :class:`~.port.Fetcher`."""
        raise FetchError(f"cannot clone {redact(url)}", url=redact(url), why="git repositories are not recorded",
                         hint="give the files with --build-context NAME=DIR")

    def _missing(self, url: str) -> FetchError:
        folder = self.recordings.folder
        return FetchError(f"cannot replay {redact(url)}", url=redact(url), status=404,
                          why=f"it is not among the downloads of {folder}",
                          hint=f"'wcow build --downloads record {folder}' with a network records it")


__all__ = ["RecordingFetcher", "ReplayFetcher"]
