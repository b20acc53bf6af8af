# SPDX-License-Identifier: Apache-2.0
"""Docker's programs on a host: ``dockerd.exe`` of ours and the ``docker.exe`` that the user brought, on its drive."""

from __future__ import annotations

import hashlib
import io
import os
import secrets
import shutil
import zipfile
from contextlib import ExitStack, suppress
from pathlib import Path

from ..engine import engine_place
from ..errors import IntegrityError, StoreError
from ..files import write_whole
from ..programs import DOCKER_CLI, Installed, ProgramStore, our_daemon, with_version
from .record import HostPlace

FOLDER = ("Program Files", "docker")
_OPEN = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


def program_store() -> ProgramStore:
    """The programs of the user's engine."""
    return ProgramStore(engine_place().root / "programs")


def lay_docker(place: HostPlace) -> None:
    """Put both programs on a host that is new; without a docker.exe that the user brought, only ours. StoreError."""
    root = engine_place().root
    lay(place, our_daemon(root / "sandbox"), "dockerd.exe")
    found = program_store().installed(DOCKER_CLI)
    if found is not None:
        lay_client(place, found)


def lay_client(place: HostPlace, client: Installed) -> None:
    """Put ``docker.exe`` on a host, or another version of it. StoreError."""
    lay(place, client.folder / "docker.exe", "docker.exe")


def lay(place: HostPlace, source: Path, name: str, folder: tuple[str, ...] = FOLDER) -> None:
    """Put a program into a folder of a host's drive, Docker's unless another is named. Each folder is opened from the
    one above and through no link, for programs of the host can write there. StoreError."""
    try:
        with ExitStack() as stack:
            here = os.open(place.drive, _OPEN)
            stack.callback(os.close, here)
            owner = os.fstat(here)
            for part in folder:
                with suppress(FileExistsError):
                    os.mkdir(part, 0o755, dir_fd=here)
                    os.chown(part, owner.st_uid, owner.st_gid, dir_fd=here, follow_symlinks=False)
                here = os.open(part, _OPEN, dir_fd=here)
                stack.callback(os.close, here)
            draft = f".{secrets.token_hex(8)}"
            number = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644,
                             dir_fd=here)
            with os.fdopen(number, "wb") as target, source.open("rb") as content:
                shutil.copyfileobj(content, target, 1 << 20)
                os.fchown(target.fileno(), owner.st_uid, owner.st_gid)
                os.fchmod(target.fileno(), 0o644)
            os.rename(draft, name, src_dir_fd=here, dst_dir_fd=here)
    except OSError as error:
        raise StoreError(f"cannot put {name} on the host {place.name}", errno=error.errno,
                         why=f"{error.filename or place.drive}: {error.strerror}") from error


def digest_of(program: Path, checksum: str | None) -> str:
    """Return a program's digest. IntegrityError when it is not ``checksum``."""
    with program.open("rb") as file:
        found = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    if checksum and checksum.lower() != found:
        raise IntegrityError(f"cannot install {program.name}", expected=checksum, found=found,
                             why=f"its checksum is {found}, not {checksum}")
    return found


def write_zip(version: str, file: Path) -> None:
    """Write a zip in the form of Docker's static archives: ``docker/dockerd.exe`` of ours that says this version, and
    ``docker/docker.exe`` where the user brought one. The same input gives the same bytes. StoreError."""
    programs = {"docker/dockerd.exe": with_version(our_daemon(engine_place().root / "sandbox").read_bytes(), version)}
    found = program_store().installed(DOCKER_CLI)
    if found is not None:
        programs["docker/docker.exe"] = (found.folder / "docker.exe").read_bytes()
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted({"docker/": b"", **programs}.items()):
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    try:
        write_whole(file, content.getvalue())
    except OSError as error:
        raise StoreError(f"cannot write {file}", errno=error.errno, why=error.strerror or str(error)) from error
