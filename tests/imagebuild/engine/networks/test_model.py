# SPDX-License-Identifier: Apache-2.0
"""A network as a value and as a document."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.engine.networks import model as net_model
from imagebuild.engine.networks.model import Network, Pool

texts = st.dictionaries(st.text(), st.text(), max_size=3)
pools = st.builds(lambda number, aux: Pool(f"10.{number}.0.0/16", f"10.{number}.0.1", aux), st.integers(0, 255), texts)
many = st.builds(
    Network, st.text("0123456789abcdef", min_size=64, max_size=64), st.text(min_size=1),
    st.sampled_from(net_model.DRIVERS),
    st.integers(0, 2**62), st.lists(pools, max_size=2).map(tuple), st.booleans(), st.booleans(), st.booleans(), texts,
    texts, st.none() | texts)


@given(many)
def test_a_network_is_read_back_as_it_was_written(network: Network) -> None:
    assert net_model.from_document(json.loads(json.dumps(net_model.to_document(network)))) == network


@given(many, st.data())
def test_a_damaged_document_is_no_network_and_no_error(network: Network, data: st.DataObject) -> None:
    document = net_model.to_document(network)
    field = data.draw(st.sampled_from(sorted(document)))
    document[field] = data.draw(st.none() | st.integers() | st.text() | st.lists(st.integers()))
    found = net_model.from_document(document)
    assert found is None or isinstance(found, Network)


@pytest.mark.parametrize("document", [None, [], {}, "x", {"Id": "a" * 64}])
def test_what_is_no_document_of_ours_is_no_network(document: Any) -> None:
    assert net_model.from_document(document) is None


def test_a_gateway_outside_its_subnet_is_not_believed() -> None:
    document = net_model.to_document(net_model.made("n", "nat", (Pool("10.0.0.0/24", "10.0.1.1"),)))
    assert net_model.from_document(document) is None


@pytest.mark.parametrize(("driver", "internal", "opens"), [
    ("nat", False, True), ("nat", True, False), ("internal", False, False), ("private", False, False),
    ("transparent", False, True)])
def test_some_networks_have_a_way_out(driver: str, internal: bool, opens: bool) -> None:
    assert net_model.made("n", driver, (Pool("10.0.0.0/24", "10.0.0.1"),), internal=internal).open is opens


def test_names_with_a_meaning_are_predefined() -> None:
    assert [name for name in ("nat", "none", "default", "container:x", "host", "bridge", "a")
            if net_model.is_predefined(name)] == ["nat", "none", "default", "container:x"]


def test_a_network_names_its_twin_in_the_host_networking_service() -> None:
    network = net_model.made("web", "nat", (), options={"a": "b"})
    assert network.options["com.docker.network.windowsshim.networkname"] == "web"
    assert network.options["a"] == "b"
    assert len(network.options["com.docker.network.windowsshim.hnsid"]) == 36
    assert not net_model.made("none", "null", ()).options
