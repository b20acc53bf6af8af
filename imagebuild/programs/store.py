# SPDX-License-Identifier: Apache-2.0
"""The folder of programs that the user installed: one version of each, whole or not there.

::

    root/
      powershell/
        7.6.9-1f0c9a2b/       the version and the first digits of its digest
          files/              the program's own folder (``pwsh.exe`` and the rest)
          program.json        version, digest, where it came from, when
        current               the name of the folder in use

A version is never changed once it has its name, so containers that were started with it keep it while a newer one is
installed; :meth:`ProgramStore.sweep` removes versions that are neither current nor in use.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import IntegrityError, NotFoundError, StoreError, UnsupportedError
from ..files import DraftDirectory, abandoned, abandoned_directories, hold, locked, write_whole
from . import pe
from .unpack import Progress, unpack

_LOCK_SECONDS = 600
UNVERSIONED = "unversioned"
"""The version of a program that says none."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program that can be installed.

    ``name`` is the verb's word (``powershell``), ``title`` what people call it, ``executable`` the file that starts it
    and ``versioned`` the file whose version is the program's. ``needs`` are files without which it does not start.
    One that ``may_lack_version`` is taken without a version resource, as one that its user built.
    """

    name: str
    title: str
    executable: str
    versioned: str
    needs: tuple[str, ...] = ()
    may_lack_version: bool = False


@dataclass(frozen=True, slots=True)
class Installed:
    """A version that is there. ``folder`` holds its files; ``digest`` (``sha256:…``) is the archive's, or that of the
    files where a folder was taken; ``source`` says where it came from; ``installed`` is a timestamp, seconds since
    1970."""

    program: str
    version: str
    digest: str
    source: str
    installed: int
    folder: Path
    size: int


class ProgramStore:
    """Keeps programs below ``root``, a folder that is made when the first one is installed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._held: dict[Path, int] = {}

    def installed(self, program: Program) -> Installed | None:
        """Return the version in use; ``None`` when there is none. StoreError for a store that cannot be read."""
        place = self.root / program.name
        try:
            name = (place / "current").read_text(encoding="utf-8").strip()
        except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError):
            return None
        except OSError as error:
            raise StoreError(f"cannot tell whether {program.name} is installed",
                             why=f"{error.filename}: {error.strerror}") from error
        return _read(place / name, program) if name and "/" not in name and name not in (".", "..") else None

    def use(self, program: Program) -> Installed | None:
        """Return the version in use and keep it on the disk until :meth:`close`, also when it is replaced or removed.
        ``None`` when there is none."""
        for _unused in range(3):  # one that is swept in this moment has a successor
            found = self.installed(program)
            if found is None or found.folder in self._held:
                return found
            with suppress(OSError):
                fd = os.open(_facts_of(found.folder.parent), os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
                hold(fd, shared=True)
                if _facts_of(found.folder.parent).exists():
                    self._held[found.folder] = fd
                    return found
                os.close(fd)
        return None

    def close(self) -> None:
        """Keep versions on the disk for this process no longer. Safe to call twice."""
        while self._held:
            os.close(self._held.popitem()[1])

    def install(self, program: Program, source: Path, *, checksum: str = "", origin: str = "",
                progress: Progress | None = None) -> Installed:
        """Unpack ``source`` (an archive, or a folder) and make it the version in use.

        ``checksum`` (``sha256:…``) is what the archive must be, ``origin`` where it came from. Raises what
        :func:`.unpack.unpack` raises, IntegrityError for another archive, UnsupportedError for another program or
        processor, StoreError when the disk fails. The version before stays in use until the new one is whole.
        """
        place = self.root / program.name
        with _translated(program, place):
            digest = "" if source.is_dir() else file_digest(source)
            if checksum and checksum.lower() != digest:
                raise IntegrityError(f"cannot install {source.name}", expected=checksum, found=digest or "a folder",
                                     why=f"its checksum is {digest or 'unknown: it is a folder'}, not {checksum}")
            place.mkdir(parents=True, exist_ok=True)
            with locked(place / "lock", _LOCK_SECONDS):
                self._sweep(program)
                with _draft(place) as (draft, files):
                    unpack(source, files, progress)
                    home = _program_folder(files, program, source)
                    version = _check(home, program, source)
                    digest = digest or tree_digest(home)
                    if home != files:
                        home.rename(draft.path / "home")
                        shutil.rmtree(files)
                        (draft.path / "home").rename(files)
                    facts = {"version": version, "digest": digest, "source": origin or str(source),
                             "installed": int(time.time()), "size": _size(files)}
                    write_whole(_facts_of(draft.path), json.dumps(facts, indent=2).encode())
                    name = f"{version}-{digest.rpartition(':')[2][:8]}"
                    _move(draft, place / name)
                write_whole(place / "current", name.encode(), durable=True)
                self._sweep(program)
        found = self.installed(program)
        assert found is not None
        return found

    def remove(self, program: Program) -> Installed:
        """Remove the program and return what was in use. A version that an engine uses goes when that engine has
        ended. Raises NotFoundError when there is none, StoreError when the disk fails."""
        place = self.root / program.name
        found = self.installed(program)
        if found is None:
            raise NotFoundError(f"{program.title} is not installed", why=f"there is none in {self.root}")
        with _translated(program, place), locked(place / "lock", _LOCK_SECONDS):
            (place / "current").unlink(missing_ok=True)
            self._sweep(program)
        return found

    def sweep(self, program: Program) -> None:
        """Remove versions that are neither current nor held, and what killed processes left. Raises StoreError."""
        place = self.root / program.name
        if place.is_dir():
            with _translated(program, place), locked(place / "lock", _LOCK_SECONDS):
                self._sweep(program)

    def _sweep(self, program: Program) -> None:
        place, current = self.root / program.name, self.installed(program)
        for folder in abandoned_directories(place):
            shutil.rmtree(folder, ignore_errors=True)
        for folder in sorted(one for one in place.iterdir() if one.is_dir() and not one.name.startswith(".")):
            if (current is None or folder != current.folder.parent) and abandoned(_facts_of(folder)):
                _facts_of(folder).unlink()  # first, so that a version half removed is not taken for one
                shutil.rmtree(folder, ignore_errors=True)


def _facts_of(version: Path) -> Path:
    return version / "program.json"


def file_digest(path: Path) -> str:
    """Return ``sha256:…`` of a file. Raises OSError."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def tree_digest(folder: Path) -> str:
    """Return ``sha256:…`` over the names and contents of all files below a folder, in the order of their names."""
    total = hashlib.sha256()
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        total.update(f"{path.relative_to(folder).as_posix()}\0{file_digest(path)}\n".encode("utf-8", "surrogateescape"))
    return f"sha256:{total.hexdigest()}"


def _read(folder: Path, program: Program) -> Installed | None:
    try:
        facts = json.loads(_facts_of(folder).read_bytes())
        return Installed(program.name, str(facts["version"]), str(facts["digest"]), str(facts["source"]),
                         int(facts["installed"]), folder / "files", int(facts["size"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        # half an installation is none: installing again mends it
        return None


def _program_folder(files: Path, program: Program, source: Path) -> Path:
    """Find the folder that holds the program: the archive's top, or the one folder in it."""
    wanted = program.executable.lower()
    tops = [files, *(one for one in sorted(files.iterdir()) if one.is_dir())]
    for top in tops:
        if any(one.name.lower() == wanted for one in top.iterdir()):
            return top
    raise UnsupportedError(f"cannot install {source.name} as {program.title}",
                           why=f"there is no {program.executable} in it", hint="take the archive for Windows, x64")


def _check(home: Path, program: Program, source: Path) -> str:
    """Return the version of what was unpacked; UnsupportedError when it is not a program that can run here."""
    names = {one.name.lower() for one in home.iterdir()}
    missing = [name for name in (program.executable, program.versioned, *program.needs) if name.lower() not in names]
    if missing:
        raise UnsupportedError(f"cannot install {source.name} as {program.title}", why=f"{missing[0]} is not in it",
                               hint="take the archive for Windows, x64, whole")
    machine = pe.machine(home / program.executable)
    if machine != "x64":
        raise UnsupportedError(f"cannot install {source.name} as {program.title}", why=f"it is for {machine}",
                               hint="containers here are windows/amd64: take the archive for x64")
    version = pe.product_version(home / program.versioned).split(" ")[0].split("+")[0]
    if not version and program.may_lack_version:
        return UNVERSIONED
    if not version or not all(char.isalnum() or char in ".-" for char in version):
        raise UnsupportedError(f"cannot install {source.name} as {program.title}",
                               why=f"{program.versioned} does not say its version")
    return version


@contextmanager
def _draft(place: Path) -> Iterator[tuple[DraftDirectory, Path]]:
    with DraftDirectory(place / "version") as draft:
        files = draft.path / "files"
        files.mkdir()
        yield draft, files


def _move(draft: DraftDirectory, place: Path) -> None:
    if place.is_dir():  # the same archive once more
        return
    draft.keep(place)


def _size(folder: Path) -> int:
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())


@contextmanager
def _translated(program: Program, place: Path) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise StoreError(f"cannot change {program.title}", why="another wcow is installing or removing it",
                         hint="try again when it is done") from error
    except OSError as error:
        raise StoreError(f"cannot change {program.title} in {place}", why=error.strerror or str(error),
                         hint="make room there, or check who owns it", errno=error.errno) from error
