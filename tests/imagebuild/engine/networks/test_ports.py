# SPDX-License-Identifier: Apache-2.0
"""Ports as clients write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.engine.networks.ports import container_port, host_range, is_number


@pytest.mark.parametrize(("text", "port"), [
    ("80/tcp", (80, "tcp")), ("80", (80, "tcp")), ("53/udp", (53, "udp")), ("0/tcp", (0, "tcp")),
    ("65535/tcp", (65535, "tcp")), ("65536/tcp", None), ("", None), ("/tcp", None), ("x/tcp", None), ("-1", None),
    ("80-81/tcp", None), ("²/tcp", None), ("٣/tcp", None), ("1" * 5000, None), ("80/", (80, "tcp"))])
def test_a_port_of_a_container_has_a_number_and_a_protocol(text: str, port: tuple[int, str] | None) -> None:
    assert container_port(text) == port


@pytest.mark.parametrize(("text", "ports"), [
    ("", (0, 0)), ("80", (80, 80)), ("80-82", (80, 82)), ("80-80", (80, 80)), ("8080/tcp", (8080, 8080)),
    ("80-82/udp", (80, 82)), ("/tcp", (0, 0)), ("82-80", None), ("80-", None), ("-80", None), ("-", None),
    ("a", None), ("70000", None), ("1-70000", None), ("1-2-3", None), ("²", None)])
def test_ports_of_this_machine_are_one_or_a_range(text: str, ports: tuple[int, int] | None) -> None:
    assert host_range(text) == ports


@given(st.text(alphabet="0123456789²٣-/ x", max_size=7))
def test_any_text_is_a_port_or_none(text: str) -> None:
    assert not is_number(text) or 0 <= int(text) < 65536
    container_port(text)
    host_range(text)
