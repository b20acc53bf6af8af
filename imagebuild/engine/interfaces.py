# SPDX-License-Identifier: Apache-2.0
"""The engine's parts as the others see them: what containers ask of images, volumes and networks.

Everything here may block and is called in a thread, unless it says that it is quick. Refusals are faults of
:mod:`..dockerapi.faults`, in Docker's words.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ..oci import Config
    from ..runtime.port import Namespace


@dataclass(frozen=True, slots=True)
class Unpacked:
    """An image ready to run: folders that mirror ``C:\\``, lowest first (the OS layers are not among them), and a
    folder with its registry in Wine's text form (``None``: the template's). The lowest ``windows`` layers are Windows
    itself; ``powershell`` says whether that Windows has Windows PowerShell; ``accounts`` are the local accounts of its
    SAM."""

    layers: tuple[Path, ...]
    registry: Path | None = None
    windows: int = 0
    powershell: bool = False
    accounts: tuple[str, ...] = ()


class ImagePart(Protocol):
    """What containers need of images."""

    def find(self, reference: str) -> tuple[str, Config]:
        """The id (``sha256:…`` of the config) and the config of an image by name, digest, id or a beginning of the id;
        ``faults.no_such_image``, and a fault for one of another system. Quick."""

    def unpack(self, identifier: str) -> Unpacked:
        """Make an image ready to run, once; a damaged layer is a fault that names it."""

    def use(self, identifier: str, container: str) -> None:
        """A container stands on the image from now on: it cannot be removed without force. Quick."""

    def release(self, container: str) -> None:
        """The container is gone. Quick."""


class VolumePart(Protocol):
    """What containers need of volumes."""

    def use(self, name: str, container: str, *, driver: str = "", labels: Mapping[str, str] | None = None,
            anonymous: bool = False) -> Path:
        """The folder of a volume, made when it is missing; the container uses it from now on. Quick."""

    def release(self, container: str, *, remove_anonymous: bool = False) -> None:
        """The container is gone; with ``remove_anonymous`` its unnamed volumes go too. Quick."""


@dataclass(frozen=True, slots=True)
class Published:
    """One published port: the container's, its protocol, and where it is on this machine (``host_port`` 0 asks for any
    free one; after publishing it is the one taken)."""

    port: int
    protocol: str = "tcp"
    host_ip: str = ""
    host_port: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """A network that a container is to be in: by name or id, with more names for the container, an address and a MAC
    address where those were asked for, and names that it alone has for others there (``links``)."""

    network: str
    aliases: tuple[str, ...] = ()
    address: str = ""
    mac: str = ""
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A container's place in one network."""

    network: str
    network_id: str
    endpoint_id: str = ""
    address: str = ""
    prefix: int = 0
    gateway: str = ""
    mac: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attachment:
    """What a container gets of its networks: the namespace its box is started in (``None``: loopback only), its
    endpoints, the DNS servers to ask, published ports."""

    namespace: Namespace | None
    endpoints: tuple[Endpoint, ...] = ()
    dns: tuple[str, ...] = ()
    published: tuple[Published, ...] = ()


class NetworkPart(Protocol):
    """What containers need of networks."""

    def check(self, mode: str) -> str:
        """The network that a ``NetworkMode`` means (``default`` is ``nat``), by name; a fault for one that does not
        exist and for what Windows does not have (``host``). Quick."""

    def attach(self, container: str, name: str, networks: Sequence[Wanted],
               ports: Sequence[Published]) -> Attachment:
        """Make a running container's namespace, put it into networks, publish its ports; without networks it is in
        ``none``. A fault when a port is taken."""

    def join(self, container: str, name: str, other: str) -> Attachment:
        """Give a container the namespace of another one that runs (``NetworkMode`` ``container:…``): it has no endpoint
        of its own. A fault when the other has none."""

    def listen(self, container: str, port: int) -> socket.socket:
        """Listen on a port of the loopback address of a container that was attached. A fault where there are no
        networks."""

    def detach(self, container: str) -> None:
        """The container stopped: its namespace, addresses and ports are free again. Idempotent. Who joined its
        namespace stays in it, with loopback only."""
