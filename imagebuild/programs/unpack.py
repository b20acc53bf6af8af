# SPDX-License-Identifier: Apache-2.0
"""Unpack an archive of a Windows program into a folder, and trust nothing in it.

Names stay below the folder, links are refused (archives of Windows programs have none), and sizes are bounded, so an
archive from anywhere can fill neither the disk nor another folder.
"""

from __future__ import annotations

import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from ..errors import FormatError, InputError, StoreError, quoted

MOST_FILES = 20_000
MOST_BYTES = 4 << 30
"""What one program may unpack to; PowerShell 7.6 has 700 files and 270 MB."""

Progress = Callable[[int, int | None], None]
"""Called with the bytes done so far and the total, where it is known."""

_PIECE = 1 << 20


def unpack(source: Path, folder: Path, progress: Progress | None = None) -> None:
    """Unpack a ``.zip``, a ``.tar`` (compressed or not) or copy a folder into ``folder``, which is there and empty.

    Raises FormatError for an archive that is damaged, InputError for one that leads out of the folder, holds links or
    is larger than a program may be, StoreError when the disk fails.
    """
    try:
        if source.is_dir():
            _copy(source, folder, progress)
        elif zipfile.is_zipfile(source):
            _zip(source, folder, progress)
        else:
            _tar(source, folder, progress)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, NotImplementedError,
            RuntimeError) as error:  # RuntimeError: an encrypted zip
        raise FormatError(f"cannot unpack {source.name}", why=str(error) or type(error).__name__,
                          hint="download it again, or name another archive") from error
    except OSError as error:
        if error.errno is None:  # raised by a decompressor
            raise FormatError(f"cannot unpack {source.name}", why=str(error),
                              hint="download it again, or name another archive") from error
        raise StoreError(f"cannot unpack {source.name}", why=f"{error.filename or folder}: {error.strerror}",
                         hint="make room there, or check who owns it", errno=error.errno) from error


def _zip(source: Path, folder: Path, progress: Progress | None) -> None:
    with zipfile.ZipFile(source) as archive:
        entries = archive.infolist()
        budget = _Budget(source.name, len(entries), sum(entry.file_size for entry in entries), progress)
        for entry in entries:
            if stat.S_ISLNK(entry.external_attr >> 16):
                raise _refused(source.name, entry.filename, "is a link")
            place = _place(folder, source.name, entry.filename)
            if entry.is_dir():
                place.mkdir(parents=True, exist_ok=True)
                continue
            with archive.open(entry) as stream:
                _write(place, stream, budget)


def _tar(source: Path, folder: Path, progress: Progress | None) -> None:
    with tarfile.open(source, "r:*") as archive:
        budget = _Budget(source.name, 0, None, progress)
        for entry in archive:
            budget.file()
            place = _place(folder, source.name, entry.name)
            if entry.isdir():
                place.mkdir(parents=True, exist_ok=True)
                continue
            stream = archive.extractfile(entry) if entry.isreg() else None
            if stream is None:
                raise _refused(source.name, entry.name, "is neither a file nor a folder")
            with stream:
                _write(place, stream, budget)


def _copy(source: Path, folder: Path, progress: Progress | None) -> None:
    budget = _Budget(source.name, 0, None, progress)
    for path in _walk(source):
        budget.file()
        place = folder / path.relative_to(source)
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise _refused(source.name, str(path.relative_to(source)), "is neither a file nor a folder")
        if path.is_dir():
            place.mkdir(parents=True, exist_ok=True)
        else:
            with path.open("rb") as stream:
                _write(place, stream, budget)


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)


def _place(folder: Path, archive: str, name: str) -> Path:
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    if ".." in parts or any(":" in part or "\0" in part for part in parts) or name.startswith(("/", "\\")):
        raise _refused(archive, name, "leads out of the folder it is unpacked into")
    return folder.joinpath(*parts)


def _write(place: Path, stream: IO[bytes], budget: _Budget) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("xb") as file:
        while data := stream.read(_PIECE):
            budget.bytes(len(data))
            file.write(data)
    place.chmod(0o644)


class _Budget:
    """Counts files and bytes, and refuses what is past the bounds."""

    def __init__(self, archive: str, files: int, total: int | None, progress: Progress | None) -> None:
        self._archive, self._total, self._progress = archive, total, progress
        self._files, self._done = 0, 0
        self.file(files)
        if total is not None and total > MOST_BYTES:
            raise _too_large(archive)

    def file(self, count: int = 1) -> None:
        self._files += count
        if self._files > MOST_FILES:
            raise _too_large(self._archive)

    def bytes(self, count: int) -> None:
        self._done += count
        if self._done > MOST_BYTES:
            raise _too_large(self._archive)
        if self._progress:
            self._progress(self._done, self._total)


def _refused(archive: str, name: str, why: str) -> InputError:
    return InputError(f"cannot unpack {archive}", why=f"{quoted(name[:200])} {why}",
                      hint="it is not the archive of a program")


def _too_large(archive: str) -> InputError:
    return InputError(f"cannot unpack {archive}", hint="it is not the archive of a program",
                      why=f"it holds more than {MOST_FILES} files or {MOST_BYTES >> 30} GiB")
