# SPDX-License-Identifier: Apache-2.0
"""Which addresses networks and containers get. Pure: texts and values in, values out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network

from ...dockerapi import faults

POOL = IPv4Network("172.28.0.0/14")
"""Where networks are cut from: the upper end of 172.16.0.0/12, as a Windows host's nat is a /20 somewhere in it."""
FALLBACKS = (IPv4Network("172.16.0.0/12"), IPv4Network("10.88.0.0/16"), IPv4Network("192.168.0.0/16"))
_CUT = 20


def taken_by_host(routes: str, tree: str) -> tuple[IPv4Network, ...]:
    """The networks that this machine is in or has routes to, from ``/proc/net/route`` and ``/proc/net/fib_trie``."""
    found: list[IPv4Network] = []
    for line in routes.splitlines()[1:]:
        words = line.split()
        if len(words) >= 8 and words[1] != "00000000":
            address, mask = (bytes.fromhex(words[number])[::-1] for number in (1, 7))
            found.append(IPv4Network((int.from_bytes(address, "big"), int.from_bytes(mask, "big").bit_count())))
    leaf = ""
    for line in tree.splitlines():
        words = line.split()
        if words[:1] == ["|--"] and len(words) == 2:
            leaf = words[1]
        elif words[:1] == ["/32"] and "LOCAL" in words and not leaf.startswith("127."):
            found.append(IPv4Network(leaf))
    return tuple(dict.fromkeys(found))


def choose_subnet(taken: Collection[IPv4Network], pool: IPv4Network = POOL) -> IPv4Network:
    """A subnet that overlaps nothing taken, from ``pool`` first; Unavailable when there is none."""
    for candidate in _candidates((pool, *FALLBACKS)):
        if not any(candidate.overlaps(one) for one in taken):
            return candidate
    raise faults.Unavailable("could not find an available, non-overlapping IPv4 address pool among the defaults to "
                             "assign to the network")


def _candidates(pools: Iterable[IPv4Network]) -> Iterator[IPv4Network]:
    for pool in pools:
        if pool.prefixlen >= _CUT:
            yield pool
        else:
            yield from pool.subnets(new_prefix=_CUT)


def first_host(subnet: IPv4Network) -> IPv4Address:
    """The gateway where the user named none."""
    return subnet.network_address + 1


class Addresses:
    """The addresses of one subnet: given out from the lowest on, and each again only when the others had their turn."""

    def __init__(self, subnet: IPv4Network, reserved: Iterable[IPv4Address] = ()) -> None:
        self._subnet = subnet
        self._reserved = frozenset(reserved)
        self._used: set[IPv4Address] = set()
        self._last = 0

    def take(self, wanted: str = "") -> IPv4Address:
        """A free one, or ``wanted``: Forbidden when somebody has it, BadRequest outside the subnet, Unavailable when
        all are in use."""
        if wanted:
            address = IPv4Address(wanted)
            if address not in self._subnet:
                raise faults.BadRequest("requested address is out of range")
            if self._is_used(address):
                raise faults.Forbidden("Address already in use")
            self._used.add(address)
            return address
        size = self._subnet.num_addresses
        for step in range(1, size + 1):
            offset = (self._last + step) % size
            address = self._subnet.network_address + offset
            if not self._is_used(address):
                self._last = offset
                self._used.add(address)
                return address
        raise faults.Unavailable("no available addresses on this pool")

    def free(self, address: IPv4Address) -> None:
        """Give one back. Nothing happens when nobody has it."""
        self._used.discard(address)

    def _is_used(self, address: IPv4Address) -> bool:
        if address in self._used or address in self._reserved:
            return True
        edges = self._subnet.network_address, self._subnet.broadcast_address
        return self._subnet.prefixlen < 31 and address in edges


def mac_of(address: IPv4Address) -> str:
    """A MAC address of Hyper-V's range that follows from the IP address: a neighbour that remembers the last container
    with this address is right about the next one."""
    return "00:15:5d:" + ":".join(f"{byte:02x}" for byte in address.packed[1:])
