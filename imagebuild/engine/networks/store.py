# SPDX-License-Identifier: Apache-2.0
"""The networks that there are, a document each in a folder, so that they outlive the engine."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

from ...dockerapi import faults
from ...errors import StoreError
from ..files import read_document, write_document
from . import addresses as net_addresses
from . import model as net_model
from .model import Network, Pool

LOG = logging.getLogger("wcow.engine.networks")


class NetworkShelf:
    """All networks, by id, in the order they were made. Any thread may look for one while another makes one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._all: dict[str, Network] = {}

    def __iter__(self) -> Iterator[Network]:
        return iter(tuple(self._all.values()))

    @property
    def by_id(self) -> dict[str, Network]:
        """A copy."""
        return dict(self._all)

    def load(self, taken: Callable[[], Collection[IPv4Network]], pool: IPv4Network) -> None:
        """What an earlier engine left, and ``nat`` and ``none`` where they are not. A subnet that the engine had chosen
        is chosen again when the machine (``taken``) is in such a network by now."""
        self._folder.mkdir(parents=True, exist_ok=True)
        found = []
        for path in sorted(self._folder.glob("*.json")):
            if network := net_model.from_document(read_document(path)):
                found.append(network)
            else:
                LOG.warning("a network is left out, for its record cannot be read: %s", path)
        for network in sorted(found, key=lambda one: one.created):
            if all(one.name != network.name for one in self._all.values()):
                self._all[network.id] = network
        host = taken()
        for network in self:
            if network.chosen and network.subnet and any(network.subnet.overlaps(one) for one in host):
                self.put(replace(network, pools=(self._free(host, pool, but=network),)))
        names = {one.name for one in self}
        if net_model.NAT not in names:
            self.put(net_model.made(net_model.NAT, "nat", (self._free(host, pool),), chosen=True))
        if net_model.NONE not in names:
            self.put(net_model.made(net_model.NONE, "null", ()))

    def put(self, network: Network) -> None:
        """Keep a network. StoreError when that is not possible."""
        write_document(self._folder / f"{network.id}.json", net_model.to_document(network))
        self._all[network.id] = network

    def remove(self, network: Network) -> None:
        """Forget one. StoreError when its document stays, for the next engine would have it again."""
        path = self._folder / f"{network.id}.json"
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"cannot remove {path}", why=error.strerror or str(error)) from error
        self._all.pop(network.id, None)

    def find(self, term: str) -> Network:
        """By id, by name, or by a beginning of the id that fits one only (``daemon/network.go`` FindNetwork)."""
        if term in self._all:
            return self._all[term]
        for network in self:
            if network.name == term:
                return network
        found = [one for one in self if term and one.id.startswith(term)]
        if len(found) > 1:
            raise faults.BadRequest(f"network {term} is ambiguous ({len(found)} matches found based on ID prefix)")
        if not found:
            raise faults.no_such_network(term)
        return found[0]

    def _free(self, host: Collection[IPv4Network], pool: IPv4Network, but: Network | None = None) -> Pool:
        ours = [one.subnet for one in self._all.values() if one.subnet and one is not but]
        subnet = net_addresses.choose_subnet([*host, *ours], pool)
        return Pool(str(subnet), str(net_addresses.first_host(subnet)))
