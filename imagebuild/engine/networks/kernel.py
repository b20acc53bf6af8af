# SPDX-License-Identifier: Apache-2.0
"""The port to the kernel's side of networks: bridges, containers' namespaces, published ports.

Adapters: :class:`~.process.AgentKernel` (a process of ours in a user namespace) and :class:`MemoryKernel` (the
fake, which remembers what it was asked). Every method may be called from any thread and takes some milliseconds.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Protocol

from ...errors import ToolError
from ...runtime.port import Namespace


@dataclass(frozen=True, slots=True)
class KernelFacts:
    """Whether networks exist here, and if not why; whether containers have a way out, and if not why."""

    works: bool
    why: str = ""
    outbound: bool = False
    why_no_outbound: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A container's cable to a network (``number`` is its bridge's): the address it has there, the gateway where its
    way out goes (empty: not by this network), the names by which others find it, and names that it alone has for others
    (``links``: the alias and whose it is)."""

    number: int
    interface: IPv4Interface
    mac: str
    gateway: str = ""
    names: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Carried:
    """A published port: what comes to ``listener`` (handed over) goes to ``address`` and ``port`` of the container."""

    listener: socket.socket
    protocol: str
    address: str
    port: int


class Kernel(Protocol):
    """See the module. ToolError where the kernel refuses, with what it said."""

    def start(self) -> KernelFacts:
        """Begin. Never fails: what does not work is in the facts. Once; later calls give the same facts."""

    def facts(self) -> KernelFacts:
        """What :meth:`start` found, and whether it is still so."""

    def bridge(self, number: int, gateway: IPv4Interface, outbound: bool) -> None:
        """Make a network; ``outbound`` lets its containers out where there is a way."""

    def unbridge(self, number: int) -> None:
        """Remove a network. Nothing happens when there is none."""

    def attach(self, container: str, links: Sequence[Link], ports: Sequence[Carried]) -> Namespace:
        """Make a container's namespace (only loopback without links) and carry its ports; all or nothing. One that the
        container had before is given up. The listeners are closed here, whatever happens."""

    def listen(self, container: str, address: str, port: int) -> socket.socket:
        """A socket that listens in the namespace of a container, the receiver's to close."""

    def share(self, container: str, other: str) -> Namespace:
        """Let a container use the namespace of another, which outlives that one's: only cables and ports go with the
        other. What the container had before is given up."""

    def link(self, container: str, link: Link) -> None:
        """Lay one more cable to a container that runs."""

    def unlink(self, container: str, number: int) -> None:
        """Take a cable away. Idempotent."""

    def detach(self, container: str) -> None:
        """Give up a container's namespace, cables and ports. Idempotent; never fails."""

    def close(self) -> None:
        """Give up everything. Safe to call twice."""


@dataclass(slots=True)
class MemoryKernel:
    """A kernel that does nothing and remembers it. ``works`` false is a machine where none of this is allowed."""

    works: bool = True
    outbound: bool = False
    bridges: dict[int, tuple[IPv4Interface, bool]] = field(default_factory=dict)
    containers: dict[str, dict[int, Link]] = field(default_factory=dict)
    shared: dict[str, str] = field(default_factory=dict)
    carried: dict[str, list[tuple[str, str, int]]] = field(default_factory=dict)
    listeners: dict[str, list[socket.socket]] = field(default_factory=dict)
    refuse: str = ""  #: the next attach or link fails with this

    def start(self) -> KernelFacts:
        """See :meth:`Kernel.start`."""
        return self.facts()

    def facts(self) -> KernelFacts:
        """See :meth:`Kernel.facts`."""
        return KernelFacts(self.works, "" if self.works else "not in memory", self.outbound, "no way out of memory")

    def bridge(self, number: int, gateway: IPv4Interface, outbound: bool) -> None:
        """See :meth:`Kernel.bridge`."""
        if number in self.bridges:
            raise ToolError("cannot make a network", program="ip", why="File exists")
        self.bridges[number] = gateway, outbound

    def unbridge(self, number: int) -> None:
        """See :meth:`Kernel.unbridge`."""
        self.bridges.pop(number, None)

    def attach(self, container: str, links: Sequence[Link], ports: Sequence[Carried]) -> Namespace:
        """See :meth:`Kernel.attach`."""
        self.detach(container)
        if self.refuse:
            for port in ports:
                port.listener.close()
        self._refused()
        self.containers[container] = {link.number: link for link in links}
        self.carried[container] = [(port.protocol, port.address, port.port) for port in ports]
        self.listeners[container] = [port.listener for port in ports]
        return Namespace(Path("/memory", container))

    def listen(self, container: str, address: str, port: int) -> socket.socket:
        """See :meth:`Kernel.listen`; any port of this machine."""
        self._refused()
        return socket.create_server((address, 0))

    def share(self, container: str, other: str) -> Namespace:
        """See :meth:`Kernel.share`."""
        self.detach(container)
        self._refused()
        self.shared[container] = self.shared.get(other, other)
        return Namespace(Path("/memory", self.shared[container]))

    def link(self, container: str, link: Link) -> None:
        """See :meth:`Kernel.link`."""
        self._refused()
        self.containers[container][link.number] = link

    def unlink(self, container: str, number: int) -> None:
        """See :meth:`Kernel.unlink`."""
        self.containers.get(container, {}).pop(number, None)

    def detach(self, container: str) -> None:
        """See :meth:`Kernel.detach`."""
        self.containers.pop(container, None)
        self.shared.pop(container, None)
        self.carried.pop(container, None)
        for listener in self.listeners.pop(container, ()):
            listener.close()

    def close(self) -> None:
        """See :meth:`Kernel.close`."""
        for container in list(self.containers):
            self.detach(container)
        self.bridges.clear()

    def _refused(self) -> None:
        if self.refuse:
            why, self.refuse = self.refuse, ""
            raise ToolError("cannot attach a container", program="ip", why=why)
