# SPDX-License-Identifier: Apache-2.0
"""Can containers reach the network, and the engine the registries? NAT, overlaps, proxies."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from ..windows.facts.machine import MachineFacts
from . import daemon_json
from .check import Outcome, on_windows, passed, question, unknown, warned

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_TRANSLATED = ("nat", "ics")
_SWITCH = "vEthernet"
"""Adapters that Hyper-V's switches make are called so in every language."""


@question("nat-network", "NAT network", "Containers are put on a NAT network unless somebody says otherwise.",
          "moby/moby#32595", "MicrosoftDocs/Virtualization-Documentation:virtualization/windowscontainers/"
          "container-networking/network-drivers-topologies.md")
def nat_network(facts: MachineFacts) -> Outcome | None:
    if not on_windows(facts):
        return None
    networks = facts.network.networks
    if networks is None:
        return unknown("the container networks (HNS)")
    found = [one for one in networks if (one.type or "").casefold() in _TRANSLATED]
    if found:
        return passed(", ".join(f"{one.name} ({one.type}{', ' if one.subnets else ''}{', '.join(one.subnets)})"
                                for one in found))
    return warned("none" if not networks else "none, only " + ", ".join(one.name for one in networks),
                  "containers without --network do not start ('element not found', 'network nat not found')",
                  "restart the engine, which makes it; if it does not: stop docker and hns, delete "
                  "C:\\ProgramData\\Microsoft\\Windows\\HNS\\HNS.data, start both")


@question("nat-overlap", "NAT overlap", "A container network must not have the addresses of another network of the "
                                        "host.",
          "docker/for-win#396", "moby/moby#30280", "MicrosoftDocs/Virtualization-Documentation:windows-server-"
          "container-tools/Debug-ContainerHost/Debug-ContainerHost.ps1")
def nat_overlap(facts: MachineFacts) -> Outcome | None:
    if not on_windows(facts):
        return None
    net = facts.network
    if net.adapters is None:
        return unknown("the addresses of the adapters")
    if net.networks is None and net.nats is None:
        return unknown("the prefixes of the container networks")
    clashes = [f"{ours} ({name}) and {theirs} ({adapter})" for name, ours in _ours(facts)
               for adapter, theirs in _theirs(facts) if ours.version == theirs.version and ours.overlaps(theirs)
               and not (ours == theirs and adapter.startswith(_SWITCH))]
    if not clashes:
        return passed("none")
    return warned("; ".join(sorted(set(clashes))), "what goes to one of them ends in the other: no network in "
                                                   "containers, "
                  "or none through the VPN", 'choose another prefix ("fixed-cidr": "10.200.0.0/16" in daemon.json), '
                  "remove the old NAT (Get-NetNat | Remove-NetNat), restart hns and the engine")


def _ours(facts: MachineFacts) -> Iterator[tuple[str, _Network]]:
    for one in facts.network.networks or ():
        if (one.type or "").casefold() in _TRANSLATED:
            yield from ((one.name, net) for net in _networks(one.subnets))
    yield from (("NAT", net) for net in _networks(facts.network.nats or ()))
    fixed = daemon_json.read(facts.daemon.config_text or "").values.get("fixed-cidr")
    yield from (("daemon.json", net) for net in _networks((fixed,) if isinstance(fixed, str) else ()))


def _theirs(facts: MachineFacts) -> Iterator[tuple[str, _Network]]:
    for adapter in facts.network.adapters or ():
        for net in _networks(adapter.addresses):
            if not net.is_loopback and not net.is_link_local and net.prefixlen:
                yield adapter.name, net


def _networks(texts: tuple[str, ...]) -> Iterator[_Network]:
    for text in texts:
        try:
            yield ipaddress.ip_network(text, strict=False)
        except ValueError:  # a network that cannot be read overlaps with none
            continue


@question("proxy", "Proxy", "A service does not know the proxy of its users: dockerd must be told.",
          "docs.docker.com/engine/daemon/proxy")
def proxy(facts: MachineFacts) -> Outcome | None:
    if facts.proxies is None:
        return unknown("the proxy settings")
    asked = {one.where: one.https or one.http or "" for one in facts.proxies}
    told = [address for where, address in asked.items() if where in ("service", "machine")]
    told += daemon_json.proxies(daemon_json.read(facts.daemon.config_text or ""))
    if told:
        return passed(f"the engine's: {told[0]}")
    if "user" in asked and on_windows(facts):
        return warned(f"the user's: {asked['user']}; the engine has none", "where the network wants a proxy, pulls "
                                                                           "time out",
                      'tell dockerd: "proxies": {"https-proxy": …} in daemon.json, or HTTPS_PROXY in the service\'s '
                      "environment, then restart it")
    return passed(", ".join(f"{where}: {address}" for where, address in asked.items()) or "none")


QUESTIONS = (nat_network, nat_overlap, proxy)
