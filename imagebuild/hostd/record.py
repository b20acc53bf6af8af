# SPDX-License-Identifier: Apache-2.0
"""A host on disk: what it is, where its files are, and whether it runs."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ..engine import engine_place
from ..errors import NotFoundError, StoreError, UsageError, quoted
from ..files import write_whole

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,13}[A-Za-z0-9])?")
USER = "Administrator"


@dataclass(frozen=True, slots=True)
class HostRecord:
    """What a host is. Ports are 0 for "a free one, chosen at each start"; ``tls_port`` is -1 where it has no HTTPS,
    ``ssh_port`` where it has no ssh. ``password`` is never shown. ``client``: a Windows 10 or 11, not a server.
    ``keytab`` and ``client_ca`` are paths of files by which it knows clients of Kerberos and with certificates."""

    name: str
    build: int
    revision: int = 1
    user: str = USER
    password: str = field(default="", repr=False)
    address: str = "127.0.0.1"
    port: int = 0
    tls_port: int = 0
    ssh_port: int = 0
    unencrypted: bool = False
    client: bool = False
    keytab: str = ""
    client_ca: str = ""

    @property
    def os_version(self) -> str:
        """Its Windows: ``10.0.20348.1``."""
        return f"10.0.{self.build}.{self.revision}"


@dataclass(frozen=True, slots=True)
class RunningHost:
    """A host that runs: its process and the ports it answers on (``tls_port``, ``ssh_port`` -1: none)."""

    pid: int
    port: int
    tls_port: int
    ssh_port: int = -1


@dataclass(frozen=True, slots=True)
class HostPlace:
    """Where a host's files are: below ``folder``, which is its user's alone."""

    folder: Path

    @property
    def name(self) -> str:
        """The host's name."""
        return self.folder.name

    @property
    def record(self) -> Path:
        """What it is."""
        return self.folder / "host.json"

    @property
    def log(self) -> Path:
        """What its process says."""
        return self.folder / "host.log"

    @property
    def box(self) -> Path:
        """The root of the engine that runs the host itself."""
        return self.folder / "box"

    @property
    def engine(self) -> Path:
        """The root of the engine that programs on the host reach."""
        return self.folder / "engine"

    @property
    def dockerd(self) -> Path:
        """The socket that ``dockerd.exe`` on the host reaches."""
        return self.folder / "dockerd.sock"

    @property
    def docker_installed(self) -> Path:
        """There when Docker has been installed on the host: what is removed from it then stays removed."""
        return self.folder / "docker-installed"

    @property
    def state_new(self) -> Path:
        """The document of a state that the host has not begun with yet."""
        return self.folder / "state-new"

    @property
    def commands(self) -> Path:
        """The socket on which the host's process takes commands of its user."""
        return self.folder / "commands.sock"

    @property
    def power(self) -> Path:
        """The socket that ``shutdown.exe`` on the host reaches."""
        return self.folder / "power.sock"

    @property
    def drive(self) -> Path:
        """The host's drive ``C:`` but for ``C:\\Windows``."""
        return self.folder / "drive"

    @property
    def ssh_key(self) -> Path:
        """The key by which its ssh service shows who it is."""
        return self.folder / "ssh_host_ed25519_key"

    @property
    def certificate(self) -> tuple[Path, Path]:
        """PEM files of its certificate and key."""
        return self.folder / "winrm.pem", self.folder / "winrm.key"


def hosts_folder() -> Path:
    """Return the folder of the user's hosts, beside the user's engine."""
    return engine_place().root.parent / "hosts"


def place_of(name: str) -> HostPlace:
    """Return the place of a host, there or not. UsageError for a name that is no computer name."""
    if not _NAME.fullmatch(name) or name.isdigit():
        raise UsageError(f"{quoted(name[:64])} cannot be a host's name",
                         why="a computer name has 1 to 15 letters, digits "
                         "and hyphens, and is not a number")
    folder = hosts_folder()
    if folder.is_dir():
        found = next((one for one in folder.iterdir() if one.name.lower() == name.lower()), None)
        if found is not None:
            return HostPlace(found)
    return HostPlace(folder / name)


def read(place: HostPlace) -> HostRecord:
    """Return what a host is. NotFoundError when there is none; StoreError for a record that cannot be read."""
    try:
        document = json.loads(place.record.read_bytes())
        return HostRecord(**document)
    except FileNotFoundError:
        raise NotFoundError(f"there is no host {place.name}", why=f"{place.record} is not there",
                            hint="'wcow host list' lists them, 'wcow host start NAME' makes one") from None
    except (OSError, ValueError, TypeError) as error:
        raise StoreError(f"cannot read the host {place.name}", why=f"{place.record}: {error}",
                         hint=f"'wcow host remove {place.name}' removes it") from error


def write(place: HostPlace, record: HostRecord) -> None:
    """Keep what a host is, atomically, for its user alone. Its folder can be passed through, by the account that root's
    boxes run as, and listed by none but its user."""
    place.folder.parent.mkdir(parents=True, exist_ok=True, mode=0o711)
    place.folder.mkdir(exist_ok=True, mode=0o711)
    write_whole(place.record, json.dumps(asdict(record), indent=1).encode(), mode=0o600)


def all_places() -> list[HostPlace]:
    """Return the places of all hosts, by name."""
    folder = hosts_folder()
    if not folder.is_dir():
        return []
    return sorted((HostPlace(one) for one in folder.iterdir() if (one / "host.json").is_file()),
                  key=lambda place: place.name.lower())


@contextmanager
def held(place: HostPlace) -> Iterator[None]:
    """Be the one process of a host for the block. StoreError when another is."""
    import fcntl  # here and below: Windows, which lacks it, can load this module

    descriptor = os.open(place.folder / "host.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StoreError(f"the host {place.name} runs already", why=f"another process holds {place.folder}",
                             hint=f"'wcow host stop {place.name}' ends it") from None
        yield
    finally:
        os.close(descriptor)


def tell_running(place: HostPlace, running: RunningHost) -> None:
    """Write down that a host runs; its process holds the lock."""
    write_whole(place.folder / "running.json", json.dumps(asdict(running)).encode(), mode=0o600)


def running(place: HostPlace) -> RunningHost | None:
    """Return the run of a host; ``None`` when it does not run. StoreError for one that this user may not look at."""
    import fcntl

    try:
        descriptor = os.open(place.folder / "host.lock", os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StoreError(f"cannot tell whether the host {place.name} runs", why=f"{error.filename}: {error.strerror}",
                         hint="run this as the user whose host it is") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        try:
            return RunningHost(**json.loads((place.folder / "running.json").read_bytes()))
        except (OSError, ValueError, TypeError):
            return RunningHost(0, 0, 0)
    finally:
        os.close(descriptor)
    return None
