# SPDX-License-Identifier: Apache-2.0
"""Where a build's files come from: folder, tarball, standard input, URL or git; and the Dockerfile among them."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from ...dockerfile import Dockerfile, parse
from ...dockerfile.ignore import Ignore
from ...errors import ContextError, DockerfileError, StoreError
from ...fetch import Fetcher, is_git_url, redact
from ..context.archive import is_archive
from ..context.context import Context
from ..context.statcache import StatCache
from ..plan.contexts import IMAGE_SCHEMES
from ..request import BuildRequest

NAMES = ("Dockerfile", "dockerfile")
"""What a Dockerfile is called when nobody says, in the order of docker."""


@dataclass(slots=True)
class Contexts:
    """The contexts of one build, each opened when it is first asked for and closed with ``stack``.

    ``scratch`` is a folder for temporary files, ``stat_cache`` the folder of remembered digests, ``stdin`` what ``-``
    means; without ``local`` nothing means a path of this machine. ``fetched`` collects what ADD downloaded, with its
    digest, or cloned, with its commit.
    """

    request: BuildRequest
    fetcher: Fetcher
    stack: ExitStack
    scratch: Path
    stat_cache: Path | None = None
    stdin: BinaryIO | None = None
    local: bool = True
    fetched: dict[str, str] = field(default_factory=dict)
    _raw: Context | None = field(default=None)
    _main: Context | None = field(default=None)
    _ignore: Ignore = field(default_factory=Ignore)
    _alone: bytes | None = field(default=None)
    _data: bytes = field(default=b"")
    _named: dict[str, Context] = field(default_factory=dict)
    _dockerfile: Dockerfile | None = field(default=None)

    def dockerfile(self) -> Dockerfile:
        """The Dockerfile of the build. DockerfileError for a bad one, ContextError when there is none."""
        if self._dockerfile is None:  # standard input can be read only once
            name, self._data = self._find_dockerfile()
            self._dockerfile = parse(self._data, name=name)
        return self._dockerfile

    def main(self) -> Context:
        """The build context without what ``.dockerignore`` names."""
        if self._main is None:
            self._main = self._whole().ignoring(self._ignore)
        return self._main

    def get(self, value: str | None) -> Context:
        """The main context, or a named one by its value (``--build-context NAME=VALUE``)."""
        if value is None:
            return self.main()
        if value not in self._named:
            context = self._open(value)
            self._named[value] = context.ignoring(context.ignore_of())
        return self._named[value]

    def paths(self) -> tuple[Path, Path]:
        """The paths of the Dockerfile and of the context, for another builder. ContextError when the context is no
        folder of this machine."""
        folder = Path(self.request.context)
        if not self.local or not folder.is_dir():
            raise ContextError(f"cannot hand {self.request.context} to a Linux builder", path=self.request.context,
                               why="it takes the files of a stage for Linux from a folder of this machine",
                               hint="unpack the context, or give the stage's files with --build-context STAGE=DIR")
        name = self.dockerfile().file
        for path in (Path(name), folder / name):
            if self.request.dockerfile != "-" and path.is_file():
                return path, folder
        copy = self.scratch / "Dockerfile"
        copy.write_bytes(self._data)
        return copy, folder

    def check_named(self) -> None:
        """Refuse a named context that is a path where nothing is, before any work: as docker buildx does."""
        for name, value in self.request.build_contexts:
            if not self.local or "://" in value or value.startswith(tuple(IMAGE_SCHEMES)) or is_git_url(value):
                continue
            if not Path(value).exists():
                raise ContextError(f"cannot use {value} as the build context {name}", path=value,
                                   why="there is no such folder", hint=f"--build-context {name}=DIR")

    def _whole(self) -> Context:
        if self._raw is None:
            self._raw = self._open(self.request.context)
        return self._raw

    def _find_dockerfile(self) -> tuple[str, bytes]:
        asked = self.request.dockerfile
        if asked == "-":
            if self.request.context == "-":
                raise ContextError("cannot read both the context and the Dockerfile from standard input",
                                   hint="give one of them as a file or folder")
            return "Dockerfile", self._stdin().read(1 << 24)
        if asked is not None and self.local and Path(asked).is_file():
            return asked, self._local(Path(asked))
        context = self._whole()
        if self._alone is not None and asked is None:
            return "Dockerfile", self._alone
        for name in (asked,) if asked is not None else NAMES:
            data = context.read(name)
            if data is not None:
                self._ignore = context.ignore_of(name)
                return name, data
        raise DockerfileError("there is no Dockerfile", file=asked or NAMES[0],
                              why=f"{context.name} has none of that name", hint="name it with -f FILE")

    def _local(self, path: Path) -> bytes:
        """A Dockerfile on this machine, with the ignore file beside it."""
        try:
            data = path.read_bytes()
            beside = path.with_name(f"{path.name}.dockerignore")
            if beside.is_file():
                self._ignore = Ignore.parse(beside.read_bytes(), name=str(beside))
                return data
        except OSError as error:
            raise DockerfileError("cannot be read", file=str(path), why=error.strerror or str(error)) from error
        self._ignore = self._whole().ignore_of(path.name)
        return data

    def _open(self, value: str) -> Context:
        """A context from what the user wrote."""
        if value == "-":
            return self._from_file(self._spooled(self._stdin()), "-")
        if is_git_url(value):
            checkout = self.stack.enter_context(self.fetcher.git(value))
            return self.stack.enter_context(Context.from_folder(checkout.path))
        if value.startswith(("http://", "https://")):
            found = self.stack.enter_context(self.fetcher.url(value))
            return self._from_file(found.path, redact(value))
        if not self.local:
            raise ContextError(f"cannot use {value} as the build context", path=value,
                               why="it is neither a URL nor the address of a git repository")
        path = Path(value)
        try:
            path.absolute()
        except OSError as error:
            raise ContextError(f"cannot use {value} as the build context", path=value,
                               why="the working directory has been deleted", hint="change to another folder") from error
        if path.is_file():
            return self._from_file(path, value)
        cache = StatCache.for_folder(path, self.stat_cache) if self.stat_cache is not None else None
        return self.stack.enter_context(Context.from_folder(path, cache=cache))

    def _from_file(self, path: Path, name: str) -> Context:
        """A tarball; or, as with docker, a lone Dockerfile without any context."""
        if not is_archive(path):
            self._alone = path.read_bytes()[:1 << 24]
            if b"\0" in self._alone:
                raise ContextError(f"cannot use {name} as the build context",
                                   why="it is neither a folder, nor a tar archive, nor a Dockerfile")
            empty = self.scratch / "empty"
            empty.mkdir(exist_ok=True)
            return self.stack.enter_context(Context.from_folder(empty))
        with path.open("rb") as stream:
            return self.stack.enter_context(Context.from_tar(stream, name=name, folder=self.scratch))

    def _stdin(self) -> BinaryIO:
        return self.stdin if self.stdin is not None else io.BytesIO()

    def _spooled(self, stream: BinaryIO) -> Path:
        handle, name = tempfile.mkstemp(prefix="stdin-", dir=self.scratch)
        try:
            with os.fdopen(handle, "wb") as out:
                shutil.copyfileobj(stream, out, 1 << 20)
        except OSError as error:
            raise StoreError("cannot keep the build context from standard input", why=error.strerror or str(error),
                             hint="free some space or set TMPDIR to another disk") from error
        return Path(name)
