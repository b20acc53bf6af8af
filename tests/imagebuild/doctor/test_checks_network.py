# SPDX-License-Identifier: Apache-2.0
"""NAT, overlaps and proxies."""

from __future__ import annotations

from typing import Any

import pytest
from support.machines import SERVER_2022, TOOLBOX, WINDOWS_11, changed

from imagebuild.doctor.examine import QUESTIONS
from imagebuild.windows.facts.machine import Adapter, MachineFacts, Network, NetworkFacts, Proxy


def ask(name: str, facts: MachineFacts, changes: dict[str, Any] | None = None) -> tuple[str, str, str]:
    answer = QUESTIONS[name].ask(changed(facts, changes or {}))
    assert answer is not None
    return answer.status, answer.found, answer.remedy


def network(*adapters: Adapter, networks: tuple[Network, ...] | None = (), nats: tuple[str, ...] | None = ()) -> Any:
    return {"network": NetworkFacts(adapters, networks, nats)}


@pytest.mark.parametrize(("networks", "status", "words"), [
    ((Network("nat", "nat", ("172.20.16.0/20",)),), "pass", "nat (nat, 172.20.16.0/20)"),
    ((Network("Default Switch", "ICS"),), "pass", "Default Switch (ICS)"), ((), "warn", "none"),
    ((Network("corp", "transparent"),), "warn", "none, only corp"), (None, "unknown", "not known"),
])
def test_there_must_be_a_nat_network(networks: Any, status: str, words: str) -> None:
    answer = ask("nat-network", SERVER_2022, network(networks=networks))
    assert answer[0] == status
    assert words in answer[1]


NAT = Network("nat", "nat", ("172.20.16.0/20",))
GATEWAY = Adapter("vEthernet (nat)", ("172.20.16.1/20",))


@pytest.mark.parametrize(("changes", "status", "words"), [
    (network(GATEWAY, networks=(NAT,), nats=("172.20.16.0/20",)), "pass", "none"),
    (network(GATEWAY, Adapter("VPN", ("172.20.16.9/20",)), networks=(NAT,)), "warn", "(VPN)"),
    (network(Adapter("VPN", ("172.16.0.5/12",)), networks=(NAT,)), "warn", "172.20.16.0/20 (nat) and 172.16.0.0/12 "
                                                                           "(VPN)"),
    (network(Adapter("VPN", ("172.20.32.5/20",)), networks=(NAT,)), "pass", "none"),
    (network(Adapter("LAN", ("10.0.0.5/8",)), nats=("10.0.75.0/24",)), "warn", "10.0.75.0/24 (NAT)"),
    ({**network(Adapter("LAN", ("10.0.0.5/8",))), "daemon.config_text": '{"fixed-cidr": "10.9.0.0/16"}'}, "warn",
     "(daemon.json)"),
    ({**network(Adapter("LAN", ("10.0.0.5/8",))), "daemon.config_text": '{"fixed-cidr": 9}'}, "pass", "none"),
    (network(Adapter("Loopback", ("127.0.0.1/8", "::1/128", "fe80::1/64", "169.254.1.1/16", "0.0.0.0/0", "x")),
             networks=(Network("nat", "nat", ("127.0.0.0/24", "169.254.0.0/16", "fe80::/64", "y")),)), "pass", "none"),
    (network(Adapter("LAN", ("10.0.0.5/8",)), networks=(Network("corp", "transparent", ("10.0.0.0/8",)),)), "pass",
     "none"),
    ({"network.adapters": None}, "unknown", "adapters"),
    (network(GATEWAY, networks=None, nats=None), "unknown", "prefixes"),
])
def test_a_container_network_must_have_its_addresses_alone(changes: dict[str, Any], status: str, words: str) -> None:
    answer = ask("nat-overlap", SERVER_2022, changes)
    assert answer[0] == status
    assert words in answer[1]


USER = Proxy("user", "proxy.example:3128", "proxy.example:3128")


@pytest.mark.parametrize(("changes", "status", "words"), [
    ({"proxies": ()}, "pass", "none"), ({"proxies": None}, "unknown", "proxy"),
    ({"proxies": (USER,)}, "warn", "the user's: proxy.example:3128; the engine has none"),
    ({"proxies": (USER, Proxy("service", None, "http://p:1"))}, "pass", "the engine's: http://p:1"),
    ({"proxies": (USER, Proxy("machine", "http://p:1"))}, "pass", "the engine's: http://p:1"),
    ({"proxies": (USER,), "daemon.config_text": '{"proxies": {"http-proxy": "http://d:1"}}'}, "pass", "http://d:1"),
])
def test_the_engine_must_know_the_users_proxy(changes: dict[str, Any], status: str, words: str) -> None:
    answer = ask("proxy", WINDOWS_11, changes)
    assert answer[0] == status
    assert words in answer[1]


def test_on_linux_a_proxy_is_only_told() -> None:
    facts = changed(TOOLBOX, {"proxies": (Proxy("environment", "http://p:1"),)})
    assert ask("proxy", facts)[:2] == ("pass", "environment: http://p:1")
    assert QUESTIONS["nat-network"].ask(TOOLBOX) is None
    assert QUESTIONS["nat-overlap"].ask(TOOLBOX) is None
