# SPDX-License-Identifier: Apache-2.0
"""Downloads kept in a folder: ``index.json`` says what a server answered to each URL, files beside it hold contents.

::

    {"version": 1, "downloads": [
        {"url": "https://host/x.zip", "file": "x.zip"},
        {"url": "https://host/latest", "status": 302, "headers": {"Location": "https://host/x.zip"}}]}

``url`` alone is required: ``method`` is GET, ``status`` 200, ``file`` (relative to the folder) an empty content. With
``sha256`` and ``size`` the content is checked before it is used. ``body`` is the SHA-256 of a request's body.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from ..errors import FetchError, FormatError, InputError, IntegrityError
from ..files import Draft, abandoned, locked, write_whole
from .redact import redact

INDEX = "index.json"
VERSION = 1
KEPT = frozenset({"content-type", "content-encoding", "content-disposition", "content-language", "etag",
                  "last-modified", "link", "location", "vary", "www-authenticate"})
"""Headers of an answer that are kept, lower case. Cookies never are: they may be a login."""
LOCK_SECONDS = 60
SAVE_SECONDS = 0.5
"""How often the index is written while downloads come: it is written as a whole each time."""
CHUNK = 1 << 20
_DRAFT = ".download."
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Recorded:
    """One answer. ``file`` is relative to the folder, empty where there is no content; ``sha256`` is that of the
    content in hexadecimal digits, empty where it was not written down; ``body`` that of the request's."""

    url: str
    method: str = "GET"
    body: str = ""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    file: str = ""
    size: int | None = None
    sha256: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What it answers: a method, a URL and a request's body."""
        return self.method, plain_url(self.url), self.body

    def header(self, name: str) -> str:
        """The value of a header, empty without."""
        return next((value for known, value in self.headers if known.lower() == name.lower()), "")

    def to_json(self) -> dict[str, Any]:
        """As an entry of the index, without what is usual."""
        usual = Recorded(self.url)
        out: dict[str, Any] = {"url": self.url}
        for name in ("method", "body", "status", "file", "size", "sha256"):
            if getattr(self, name) != getattr(usual, name):
                out[name] = getattr(self, name)
        if self.headers:
            out["headers"] = dict(self.headers)
        return out


@dataclass(slots=True)
class Recordings:
    """The downloads of a folder. Several threads may use one, and several processes may record into one folder."""

    folder: Path
    _entries: dict[tuple[str, str, str], Recorded] = field(default_factory=dict)
    _new: dict[tuple[str, str, str], Recorded] = field(default_factory=dict)
    _checked: set[tuple[str, str]] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _saved: float = 0.0

    @classmethod
    def open(cls, folder: Path, *, create: bool = False) -> Recordings:
        """The downloads of a folder; with ``create`` it is made where it is missing. InputError where there is none,
        FormatError for an index that cannot be read."""
        path = folder / INDEX
        if create:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                for draft in folder.glob(f"{_DRAFT}*"):
                    if abandoned(draft):  # a build that was killed left it
                        draft.unlink(missing_ok=True)
            except OSError as error:
                raise InputError(f"cannot record downloads in {folder}", why=error.strerror or str(error)) from error
        elif not path.is_file():
            raise InputError(f"cannot replay downloads from {folder}", why=f"it has no {INDEX}",
                             hint=f"--downloads record {folder} makes one")
        return cls(folder, _read(path))

    def find(self, method: str, url: str, body: str = "") -> Recorded | None:
        """What was answered; a HEAD is answered by what a GET got."""
        found = self._entries.get((method, plain_url(url), body))
        if found is None and method == "HEAD":
            found = self._entries.get(("GET", plain_url(url), ""))
        return found

    def content(self, recorded: Recorded) -> Path | None:
        """The file with an answer's content, checked once; ``None`` for an empty one. IntegrityError where it is not
        what was recorded, FetchError where it is not there or outside of the folder."""
        if not recorded.file:
            return None
        path = self.folder / recorded.file
        try:
            if not path.resolve().is_relative_to(self.folder.resolve()):
                raise FetchError(f"cannot replay {redact(recorded.url)}", url=redact(recorded.url),
                                 why=f"{recorded.file} is outside of {self.folder}")
            if recorded.sha256 and (recorded.file, recorded.sha256) not in self._checked:
                found = _digest(path)
                if found != recorded.sha256:
                    raise IntegrityError(f"cannot replay {redact(recorded.url)}", expected=f"sha256:{recorded.sha256}",
                                         found=f"sha256:{found}",
                                         why=f"the SHA-256 of {path} is {found}, not {recorded.sha256}",
                                         hint="record it again, or correct the index")
                self._checked.add((recorded.file, recorded.sha256))
            elif not path.is_file():
                raise FileNotFoundError(2, "there is no such file", str(path))
        except OSError as error:
            raise FetchError(f"cannot replay {redact(recorded.url)}", url=redact(recorded.url),
                             why=f"{path}: {error.strerror}", hint="record it again") from error
        return path

    def draft(self) -> Draft:
        """A file in the folder for a content that comes. OSError."""
        return Draft(self.folder, mode=0o644, prefix=_DRAFT)

    def keep(self, recorded: Recorded, draft: Draft | None, digest: str) -> Recorded:
        """Put an answer into the index, and its content (with its SHA-256) into the folder. OSError."""
        if draft is not None and draft.size:
            name = f"sha256/{digest}"
            draft.keep(self.folder / name)
            recorded = Recorded(recorded.url, recorded.method, recorded.body, recorded.status, recorded.headers, name,
                                draft.size, digest)
            self._checked.add((name, digest))
        with self._lock:
            self._entries[recorded.key] = self._new[recorded.key] = recorded
        if time.monotonic() - self._saved > SAVE_SECONDS:
            self.save()
        return recorded

    def has(self, downloads: tuple[tuple[str, str], ...]) -> bool:
        """Whether the contents of all these URLs (with their ``sha256:…``) are here."""
        known = {(plain_url(one.url), one.sha256) for one in self._entries.values()}
        return all((plain_url(url), digest.partition(":")[2]) in known for url, digest in downloads)

    def save(self) -> None:
        """Write the index, if anything was recorded; what other processes recorded meanwhile stays in it. OSError."""
        with self._lock:
            if not self._new:
                return
            with locked(self.folder / ".lock", LOCK_SECONDS):
                entries = {**_read(self.folder / INDEX), **self._new}
                document = {"version": VERSION, "downloads": [entries[key].to_json() for key in sorted(entries)]}
                write_whole(self.folder / INDEX, json.dumps(document, indent=1).encode() + b"\n")
            self._entries.update(entries)
            self._new.clear()
            self._saved = time.monotonic()


def plain_url(url: str) -> str:
    """A URL as servers see it: scheme and host in lower case, without the usual port, a login and a fragment."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2].lower()
    host = host.removesuffix(_DEFAULT_PORTS.get(parts.scheme.lower(), " "))
    return urlunsplit((parts.scheme.lower(), host, parts.path or "/", parts.query, ""))


def kept_headers(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Those headers of an answer that are kept, in their order."""
    return tuple((name, value) for name, value in headers.items() if name.lower() in KEPT)


def _read(path: Path) -> dict[tuple[str, str, str], Recorded]:
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:  # nothing was recorded so far
        return {}
    except (OSError, ValueError) as error:
        raise FormatError(f"cannot read {path}", source=str(path), why=str(error)) from error
    if not isinstance(document, dict) or document.get("version") != VERSION:
        raise FormatError(f"cannot read {path}", source=str(path), why=f'it has no "version": {VERSION}')
    entries = {}
    for number, one in enumerate(document.get("downloads", ())):
        try:
            recorded = _entry(one)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise FormatError(f"cannot read {path}", source=str(path),
                              why=f"download {number}: {error.args[0] if error.args else error} is missing or wrong"
                              ) from None
        entries[recorded.key] = recorded
    return entries


def _entry(one: dict[str, Any]) -> Recorded:
    unknown = set(one) - {"url", "method", "body", "status", "headers", "file", "size", "sha256"}
    if unknown:
        raise ValueError(sorted(unknown)[0])
    url, digest, status = str(one["url"]), str(one.get("sha256", "")), int(one.get("status", 200))
    if urlsplit(url).scheme.lower() not in _DEFAULT_PORTS or not urlsplit(url).netloc:
        raise ValueError("url")
    if digest and not _DIGEST.fullmatch(digest):
        raise ValueError("sha256")
    if not 200 <= status <= 599:
        raise ValueError("status")
    headers = tuple((str(name), str(value)) for name, value in one.get("headers", {}).items())
    if any(set(text) & set("\r\n") for pair in headers for text in pair):
        raise ValueError("headers")
    size = one.get("size")
    return Recorded(url, str(one.get("method", "GET")).upper(), str(one.get("body", "")), status, headers,
                    str(one.get("file", "")), None if size is None else int(size), digest)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


__all__ = ["Recorded", "Recordings", "kept_headers", "plain_url"]
