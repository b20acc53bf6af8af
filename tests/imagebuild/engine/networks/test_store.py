# SPDX-License-Identifier: Apache-2.0
"""The networks that outlive the engine."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from imagebuild.dockerapi import faults
from imagebuild.engine.networks import model as net_model
from imagebuild.engine.networks.addresses import POOL
from imagebuild.engine.networks.model import Pool
from imagebuild.engine.networks.store import NetworkShelf
from imagebuild.errors import StoreError


def loaded(folder: Path, *host: str) -> NetworkShelf:
    shelf = NetworkShelf(folder)
    shelf.load(lambda: [IPv4Network(one) for one in host], POOL)
    return shelf


def test_nat_and_none_are_always_there_and_stay_the_same(tmp_path: Path) -> None:
    first = loaded(tmp_path)
    assert [(one.name, one.driver, str(one.subnet)) for one in first] == [
        ("nat", "nat", "172.28.0.0/20"), ("none", "null", "None")]
    assert list(loaded(tmp_path)) == list(first)


def test_nat_keeps_away_from_the_machines_own_networks(tmp_path: Path) -> None:
    assert str(loaded(tmp_path / "a", "172.28.3.0/24").find("nat").subnet) == "172.28.16.0/20"


def test_nat_moves_when_the_machine_has_come_into_its_network_and_keeps_its_id(tmp_path: Path) -> None:
    before = loaded(tmp_path).find("nat")
    after = loaded(tmp_path, "172.28.3.0/24").find("nat")
    assert (after.id, str(after.subnet)) == (before.id, "172.28.16.0/20")


def test_a_subnet_that_the_user_chose_never_moves(tmp_path: Path) -> None:
    shelf = loaded(tmp_path)
    shelf.put(net_model.made("mine", "nat", (Pool("10.5.0.0/24", "10.5.0.1"),)))
    assert str(loaded(tmp_path, "10.5.0.0/16").find("mine").subnet) == "10.5.0.0/24"


def test_a_damaged_document_costs_its_own_network_only(tmp_path: Path) -> None:
    shelf = loaded(tmp_path)
    network = net_model.made("mine", "nat", (Pool("10.5.0.0/24", "10.5.0.1"),))
    shelf.put(network)
    (tmp_path / f"{shelf.find('nat').id}.json").write_text('{"Id": 3')
    after = loaded(tmp_path)
    assert sorted(one.name for one in after) == ["mine", "nat", "none"]
    assert after.find("mine") == network


def test_a_network_is_found_by_id_name_and_beginning_of_its_id(tmp_path: Path) -> None:
    shelf = loaded(tmp_path)
    nat = shelf.find("nat")
    assert shelf.find(nat.id) is nat and shelf.find(nat.id[:12]) is nat
    for term in ("", "NAT", "host", "0" * 64):
        with pytest.raises(faults.NotFound, match=f"network {term} not found"):
            shelf.find(term)


def test_a_name_wins_over_a_beginning_and_a_beginning_of_two_is_ambiguous(tmp_path: Path) -> None:
    shelf = loaded(tmp_path)
    one = net_model.Network("ab" * 32, "one", pools=(Pool("10.1.0.0/24", "10.1.0.1"),))
    two = net_model.Network("abcd" * 16, "two", pools=(Pool("10.2.0.0/24", "10.2.0.1"),))
    shelf.put(one)
    shelf.put(two)
    with pytest.raises(faults.BadRequest, match=r"network ab is ambiguous \(2 matches found based on ID prefix\)"):
        shelf.find("ab")
    assert shelf.find("abc") is two
    named = net_model.Network("ef" * 32, "abc", pools=(Pool("10.3.0.0/24", "10.3.0.1"),))
    shelf.put(named)
    assert shelf.find("abc") is named


def test_a_removed_network_is_gone_for_good(tmp_path: Path) -> None:
    shelf = loaded(tmp_path)
    network = net_model.made("mine", "nat", (Pool("10.5.0.0/24", "10.5.0.1"),))
    shelf.put(network)
    shelf.remove(network)
    shelf.remove(network)
    assert "mine" not in {one.name for one in (*shelf, *loaded(tmp_path))}


def test_a_network_whose_document_stays_is_not_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be there again when the engine starts the next time."""
    shelf = loaded(tmp_path)
    network = net_model.made("mine", "nat", (Pool("10.5.0.0/24", "10.5.0.1"),))
    shelf.put(network)

    def refused(self: Path, missing_ok: bool = False) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", refused)
    with pytest.raises(StoreError, match="Read-only file system"):
        shelf.remove(network)
    assert shelf.find("mine") is network


def test_a_record_that_cannot_be_read_is_named_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "broken.json").write_text("{")
    loaded(tmp_path)
    assert "broken.json" in caplog.text
