# SPDX-License-Identifier: Apache-2.0
"""What the engine asks of the process that holds its networks, one JSON message and one answer each.

The messages come over a pair of sockets that keep messages whole; listening sockets come with them. When the engine's
end is closed, for whatever reason, this process ends, and the kernel takes back everything that was made.
"""

from __future__ import annotations

import json
import os
import resource
import socket
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

from . import spaces
from .datagrams import UdpPort
from .loop import READ, Loop
from .names import Directory, Member, NameServer
from .netlink import Netlink
from .relay import TcpPort
from .remover import Remover

MESSAGE = 1 << 17
MOST_DESCRIPTORS = 128
_FIRST_TABLE = 1000


class Container:
    """A container's network namespace (a descriptor), its cables by network, and its published ports."""

    def __init__(self, space: int) -> None:
        self.space = space
        self.cables: dict[int, tuple[str, str]] = {}  # network -> (our end, the address at the other)
        self.ports: list[TcpPort | UdpPort] = []
        self.made = 0


class Agent:
    """The process's state. Each public method is one message's work; its result is the answer."""

    def __init__(self, loop: Loop, home: int) -> None:
        self._loop = loop
        self._home = home
        self._here = Netlink()
        self._remover = Remover()
        self._directory = Directory()
        self._names = NameServer(loop, self._directory)
        self._containers: dict[str, Container] = {}
        self._bridges: dict[int, bool] = {}
        self._way_out: tuple[str, str] | None = None
        self._cable = 0

    def probe(self) -> dict[str, Any]:
        """Whether the kernel lets us do what networks need."""
        self._here.up("lo")
        self._here.bridge("probe")
        self._here.delete("probe")
        spaces.setting("ipv4/ip_forward", "0")
        return {"pid": os.getpid()}

    def way_out(self) -> dict[str, Any]:
        """Whether a program outside has given this namespace a way out; from now on containers may use it."""
        for line in Path("/proc/self/net/route").read_bytes().decode().splitlines()[1:]:
            name, target, gateway, *_unused, mask = line.split()[:8]
            if target == "00000000" and mask == "00000000":
                address = "" if gateway == "00000000" else socket.inet_ntoa(bytes.fromhex(gateway)[::-1])
                self._way_out = name, address
                spaces.setting("ipv4/ip_forward", "1")
                for number, outbound in self._bridges.items():
                    self._let_out(number, outbound)
                return {"found": True}
        return {"found": False}

    def forward(self, sockets: list[socket.socket], resolvers: list[str]) -> None:
        """Ask these resolvers for names that are nobody's here."""
        self._names.forward(sockets.pop(), resolvers)

    def bridge(self, network: int, address: str, outbound: bool) -> None:
        """Make a network. ``address`` is its gateway's with the prefix."""
        name = _bridge(network)
        interface = IPv4Interface(address)
        self._here.bridge(name)
        try:
            self._here.address(name, interface)
            self._here.up(name)
            self._let_out(network, outbound)
            self._names.serve(network, str(interface.ip))
        except OSError:
            self._here.delete(name)
            raise
        self._bridges[network] = outbound

    def unbridge(self, network: int) -> None:
        """Remove a network; who is still in it keeps an end of a cable."""
        if self._bridges.pop(network, None) is not None:
            self._names.stop(network)
            self._directory.drop(network)
            with suppress(OSError):
                self._here.rule(_bridge(network), _FIRST_TABLE + network, remove=True)
            self._here.delete(_bridge(network))

    def attach(self, container: str, links: list[dict[str, Any]], ports: list[dict[str, Any]],
               sockets: list[socket.socket] | None = None) -> dict[str, Any]:
        """Make a container's namespace with all its cables and ports. All or nothing."""
        self.detach(container)
        spaces.unshare(spaces.NEWNET)
        try:
            made = self._containers[container] = Container(spaces.here())
            spaces.setting("ipv4/ip_unprivileged_port_start", "0")  # Windows programs may listen on port 80
            spaces.setting("ipv4/ping_group_range", "0 0")
            with Netlink() as there:
                there.up("lo")
        finally:
            spaces.enter(self._home)
        try:
            for link in links:
                self.link(container, **link)
            waiting = sockets or []
            for port in ports:
                sock = waiting.pop(0)
                kind = UdpPort if port["protocol"] == "udp" else TcpPort
                made.ports.append(kind(self._loop, sock, (port["address"], port["port"])))
        except BaseException:
            self.detach(container)
            raise
        return {"descriptor": made.space}

    def listen(self, container: str, address: str, port: int) -> dict[str, Any]:
        """A socket that listens in a container's namespace; it is sent with the answer."""
        with spaces.inside(self._containers[container].space, self._home):
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                sock.bind((address, port))
                sock.listen(128)
            except BaseException:
                sock.close()
                raise
        return {"socket": sock}

    def share(self, container: str, other: str) -> dict[str, Any]:
        """Let a container use another's namespace. The descriptor is its own: the number of one that the other closes
        may be a third one's the next moment."""
        self.detach(container)
        made = self._containers[container] = Container(os.dup(self._containers[other].space))
        return {"descriptor": made.space}

    def link(self, container: str, network: int, address: str, gateway: str, mac: str, names: list[str],
             links: dict[str, str] | None = None) -> None:
        """Lay a cable from a container to a network; with a ``gateway`` its way out goes there. One that is there
        already only gets the names, and the way out if it has none."""
        made = self._containers[container]
        interface = IPv4Interface(address)
        member = Member(container, str(interface.ip), tuple(names),
                        {alias.lower(): name for alias, name in (links or {}).items()})
        if network in made.cables:
            self._directory.add(network, member)
            if gateway:
                with suppress(FileExistsError), spaces.inside(made.space, self._home), Netlink() as there:
                    there.default_route(gateway)
            return
        self._cable += 1
        ours, theirs = f"v{self._cable}", f"eth{made.made}"
        self._here.veth(ours, _bridge(network), theirs, made.space, mac)
        try:
            with spaces.inside(made.space, self._home), Netlink() as there:
                there.address(theirs, interface)
                there.up(theirs)
                if gateway:
                    there.default_route(gateway)
        except OSError:
            self._here.delete(ours)
            raise
        made.made += 1
        made.cables[network] = ours, str(interface.ip)
        self._directory.add(network, member)

    def unlink(self, container: str, network: int) -> None:
        """Take a cable away."""
        made = self._containers.get(container)
        cable = made.cables.pop(network, None) if made else None
        if cable:
            self._directory.remove(network, cable[1])
            with suppress(OSError):
                self._here.delete(cable[0])

    def detach(self, container: str) -> None:
        """Let go of a container: ports, cables, namespace."""
        made = self._containers.get(container)
        if made is None:
            return
        for port in made.ports:
            port.close()
        for network, (ours, address) in made.cables.items():
            self._directory.remove(network, address)
            with suppress(OSError):
                self._here.down(ours)  # from here on nothing of it reaches who gets its address next
            self._remover.remove(ours)
        os.close(made.space)
        del self._containers[container]

    def _let_out(self, network: int, outbound: bool) -> None:
        """From a bridge the way leads out and nowhere else: to containers of other networks there is none."""
        if self._way_out is None:
            return
        name, gateway = self._way_out
        spaces.setting(f"ipv4/conf/{_bridge(network)}/forwarding", "1" if outbound else "0")
        if outbound:
            table = _FIRST_TABLE + network
            self._here.default_route(gateway, name=name, table=table)
            self._here.rule(_bridge(network), table)


def _bridge(network: int) -> str:
    return f"br{network}"


def _serve(channel: socket.socket, agent: Agent, loop: Loop) -> None:
    data, descriptors, _unused, _unused = socket.recv_fds(channel, MESSAGE, MOST_DESCRIPTORS)
    if not data:
        loop.running = False
        return
    sockets = [socket.socket(fileno=descriptor) for descriptor in descriptors]
    try:
        message = json.loads(data)
        work: Callable[..., dict[str, Any] | None] = getattr(agent, message.pop("do"))
        answer = work(**message, sockets=sockets) if sockets else work(**message)
    except OSError as error:
        answer = {"error": f"{error.filename or message}: {error.strerror or error}", "code": error.errno or 0}
    except Exception as error:  # the other containers' networks go on, whatever is wrong with this one
        answer = {"error": f"{type(error).__name__}: {error}", "code": 0}
    for sock in sockets:  # what nobody took
        sock.close()
    made = (answer or {}).pop("socket", None)
    if made is None:
        channel.send(json.dumps(answer or {}).encode())
        return
    with made:
        socket.send_fds(channel, [b"{}"], [made.fileno()])


def main(channel: int, parent: int, uid: int, gid: int) -> None:
    """Be the process: ``channel`` is the descriptor of our end, ``parent`` the engine's process id, ``uid`` and ``gid``
    who to be (-1: stay who we are)."""
    connection = socket.socket(fileno=channel)
    try:
        _unused, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        if uid >= 0:
            spaces.become(uid, gid)
        spaces.own_world()
        spaces.die_with(parent)
    except OSError as error:
        connection.send(json.dumps({"error": f"{error.filename}: {error.strerror}", "code": error.errno}).encode())
        return
    loop = Loop()
    agent = Agent(loop, spaces.here())
    loop.want(connection, READ, lambda _unused: _serve(connection, agent, loop))
    connection.send(b"{}")
    loop.run()
