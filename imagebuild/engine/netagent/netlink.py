# SPDX-License-Identifier: Apache-2.0
"""Interfaces, addresses and routes of a network namespace, by rtnetlink messages (``rtnetlink(7)``, linux/if_link.h).

What ``ip`` does, without starting a program for each step: a container's network is made in about a millisecond.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from ipaddress import IPv4Interface

_NEWLINK, _DELLINK, _GETLINK, _NEWADDR, _NEWROUTE, _NEWRULE, _DELRULE = 16, 17, 18, 20, 24, 32, 33
_REQUEST, _ACK, _EXCL, _CREATE = 1, 4, 0x200, 0x400
_ERROR = 2
_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_MASTER, _IFLA_LINKINFO, _IFLA_GROUP, _IFLA_NET_NS_FD = 1, 3, 10, 18, 27, 28
_INFO_KIND, _INFO_DATA, _VETH_PEER = 1, 2, 1
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_RTA_OIF, _RTA_GATEWAY, _RTA_TABLE = 4, 5, 15
_FRA_IIFNAME, _FRA_PRIORITY, _FRA_TABLE = 3, 6, 15
_UP = 1
_MAIN_TABLE = 254
_COMPAT = 252  # stands for a table whose number does not fit into the byte of the header


def _attribute(kind: int, data: bytes) -> bytes:
    size = 4 + len(data)
    return struct.pack("=HH", size, kind) + data + bytes(-size % 4)


def _text(kind: int, value: str) -> bytes:
    return _attribute(kind, value.encode() + b"\0")


def _number(kind: int, value: int) -> bytes:
    return _attribute(kind, struct.pack("=I", value))


def _link(index: int = 0, flags: int = 0, change: int = 0) -> bytes:
    return struct.pack("=BxHiII", socket.AF_UNSPEC, 0, index, flags, change)


class Netlink:
    """A conversation with the kernel about the network namespace that the thread is in when this is made; OSError with
    the kernel's code when it refuses."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
        self._socket.bind((0, 0))
        self._sequence = 0

    def close(self) -> None:
        """End the conversation."""
        self._socket.close()

    def __enter__(self) -> Netlink:
        return self

    def __exit__(self, *_unused: object) -> None:
        self.close()

    def index(self, name: str) -> int:
        """The number of an interface."""
        for kind, payload in self._ask(_GETLINK, 0, _link() + _text(_IFLA_IFNAME, name), f"find {name}"):
            if kind == _NEWLINK:
                return int(struct.unpack_from("=BxHi", payload)[2])
        raise OSError(19, os.strerror(19), name)

    def up(self, name: str) -> None:
        """Switch an interface on."""
        self._do(_NEWLINK, 0, _link(0, _UP, _UP) + _text(_IFLA_IFNAME, name), f"set {name} up")

    def down(self, name: str) -> None:
        """Switch an interface off: nothing passes any more."""
        self._do(_NEWLINK, 0, _link(0, 0, _UP) + _text(_IFLA_IFNAME, name), f"set {name} down")

    def bridge(self, name: str) -> None:
        """Make a bridge."""
        info = _attribute(_IFLA_LINKINFO, _text(_INFO_KIND, "bridge"))
        self._do(_NEWLINK, _CREATE | _EXCL, _link() + _text(_IFLA_IFNAME, name) + info, f"add bridge {name}")

    def veth(self, name: str, master: str, peer: str, space: int, mac: str) -> None:
        """A cable: the end ``name`` in a bridge here, the end ``peer`` in the namespace ``space`` (a descriptor)."""
        there = _link() + _text(_IFLA_IFNAME, peer) + _number(_IFLA_NET_NS_FD, space) + _attribute(
            _IFLA_ADDRESS, bytes.fromhex(mac.replace(":", "")))
        info = _text(_INFO_KIND, "veth") + _attribute(_INFO_DATA, _attribute(_VETH_PEER, there))
        self._do(_NEWLINK, _CREATE | _EXCL, _link(0, _UP, _UP) + _text(_IFLA_IFNAME, name)
                 + _number(_IFLA_MASTER, self.index(master)) + _attribute(_IFLA_LINKINFO, info), f"add veth {name}")

    def delete(self, name: str) -> None:
        """Remove an interface, and the other end of its cable."""
        self._do(_DELLINK, 0, _link() + _text(_IFLA_IFNAME, name), f"delete {name}")

    def put_into_group(self, name: str, group: int) -> None:
        """Let an interface be one of those that :meth:`delete_group` removes."""
        self._do(_NEWLINK, 0, _link() + _text(_IFLA_IFNAME, name) + _number(_IFLA_GROUP, group), f"group {name}")

    def delete_group(self, group: int) -> None:
        """Remove all interfaces of a group, which takes as long as to remove one. ENODEV when there is none."""
        self._do(_DELLINK, 0, _link() + _number(_IFLA_GROUP, group), f"delete group {group}")

    def address(self, name: str, interface: IPv4Interface) -> None:
        """Give an interface an address, with the size of its network."""
        header = struct.pack("=BBBBI", socket.AF_INET, interface.network.prefixlen, 0, 0, self.index(name))
        packed = interface.ip.packed
        body = _attribute(_IFA_LOCAL, packed) + _attribute(_IFA_ADDRESS, packed)
        self._do(_NEWADDR, _CREATE | _EXCL, header + body, f"add {interface} to {name}")

    def default_route(self, gateway: str, *, name: str = "", table: int = _MAIN_TABLE) -> None:
        """Send what is for elsewhere to a gateway (``name``: by this interface, which may be without one)."""
        universe, boot, unicast = 0, 3, 1
        short = table if table < 256 else _COMPAT
        header = struct.pack("=BBBBBBBBI", socket.AF_INET, 0, 0, 0, short, boot, universe, unicast, 0)
        out = _number(_RTA_OIF, self.index(name)) if name else b""
        if gateway:
            out += _attribute(_RTA_GATEWAY, socket.inet_aton(gateway))
        self._do(_NEWROUTE, _CREATE | _EXCL, header + _number(_RTA_TABLE, table) + out, f"route to {gateway or name}")

    def rule(self, interface: str, table: int, *, remove: bool = False) -> None:
        """What comes in by an interface follows a routing table of its own."""
        to_table = 1
        header = struct.pack("=BBBBBBBBI", socket.AF_INET, 0, 0, 0, 0, 0, 0, to_table, 0)
        body = _text(_FRA_IIFNAME, interface) + _number(_FRA_TABLE, table) + _number(_FRA_PRIORITY, 1000)
        self._do(_DELRULE if remove else _NEWRULE, 0 if remove else _CREATE | _EXCL, header + body,
                 f"rule for {interface}")

    def _do(self, kind: int, flags: int, payload: bytes, doing: str) -> None:
        for _unused in self._ask(kind, flags, payload, doing):
            pass

    def _ask(self, kind: int, flags: int, payload: bytes, doing: str) -> Iterator[tuple[int, bytes]]:
        """Send one message; everything that is answered until the acknowledgement."""
        self._sequence += 1
        self._socket.send(struct.pack("=IHHII", 16 + len(payload), kind, flags | _REQUEST | _ACK, self._sequence, 0)
                          + payload)
        while True:
            data = self._socket.recv(1 << 16)
            at = 0
            while at + 16 <= len(data):
                size, answer, _unused, sequence, _unused = struct.unpack_from("=IHHII", data, at)
                body = data[at + 16:at + size]
                at += max(16, size + (-size % 4))
                if sequence != self._sequence:
                    continue
                if answer == _ERROR:
                    code = -struct.unpack_from("=i", body)[0]
                    if code:
                        raise OSError(code, os.strerror(code), doing)
                    return
                yield answer, body
