# SPDX-License-Identifier: Apache-2.0
"""Docker's programs on a host: ``dockerd.exe`` of ours and the ``docker.exe`` that the user brought, on its drive."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

from ...engine import engine_place
from ...errors import IntegrityError, StoreError
from ...files import write_whole
from ...programs import DOCKER_CLI, Installed, ProgramStore, our_daemon, with_version
from .. import drive_files
from ..record import HostPlace

FOLDER = ("Program Files", "docker")


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
    """Put a program into a folder of a host's drive, Docker's unless another is named. StoreError."""
    try:
        content = source.open("rb")
    except OSError as error:
        raise StoreError(f"cannot put {name} on the host {place.name}", errno=error.errno,
                         why=f"{source}: {error.strerror}") from error
    with content:
        drive_files.put(place, folder, name, content)


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
