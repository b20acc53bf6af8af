# SPDX-License-Identifier: Apache-2.0
"""DNS messages: what is asked, what is answered."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.networking import asked

from imagebuild.engine.netagent import dns

labels = st.lists(st.text("abcXYZ019-_", min_size=1, max_size=20), min_size=1, max_size=4)


def query(name: str, kind: int = dns.A) -> dns.Query:
    found = dns.parse(asked(name, kind))
    assert found
    return found


@given(labels, st.integers(0, 65535))
def test_a_query_is_understood_whatever_its_case(parts: list[str], number: int) -> None:
    found = dns.parse(asked(".".join(parts), number=number) + b"\0\0\x29\x10\0")  # an EDNS record behind it
    assert found and (found.number, found.name, found.kind) == (number, ".".join(parts).lower(), dns.A)


@given(st.binary(max_size=80))
def test_any_bytes_are_a_query_or_nothing(data: bytes) -> None:
    found = dns.parse(data)
    assert found is None or data[12:].startswith(found.question)


@given(labels, st.integers(0, 40))
def test_a_cut_query_is_nothing(parts: list[str], size: int) -> None:
    whole = asked(".".join(parts))
    assert dns.parse(whole[:-1]) is None
    assert dns.parse(whole[:min(size, len(whole) - 1)]) is None


@pytest.mark.parametrize("data", [asked("a", flags=0x8100), asked("a", flags=0x2900), asked("a", group=3), asked("")])
def test_answers_other_operations_other_classes_and_no_name_are_nothing(data: bytes) -> None:
    assert dns.parse(data) is None


def test_addresses_are_answered_with_the_question() -> None:
    answer = dns.addresses(query("Web"), ["172.28.0.2", "172.28.0.3"])
    assert answer[:12] == struct.pack("!HHHHHH", 7, 0x8180, 1, 2, 0, 0)
    assert answer[12:21] == b"\x03Web\0\0\1\0\1"
    records = sorted(answer[21 + 16 * number:][:16] for number in range(2))
    assert records == [struct.pack("!HHHIH4s", 0xC00C, 1, 1, 600, 4, bytes((172, 28, 0, last))) for last in (2, 3)]


def test_those_who_share_a_name_have_their_turns() -> None:
    found = {dns.addresses(query("db"), ["10.0.0.1", "10.0.0.2"])[-4:] for _ in range(64)}
    assert len(found) == 2


def test_an_answer_fits_into_a_datagram_however_many_there_are() -> None:
    assert len(dns.addresses(query("a" * 60), [f"10.0.0.{last}" for last in range(200)])) <= 512


def test_failures_have_no_records() -> None:
    assert dns.fail(query("gone"), dns.NXDOMAIN)[2:8] == struct.pack("!HHH", 0x8183, 1, 0)
    assert dns.fail(query("web", dns.AAAA), dns.NOERROR)[2:8] == struct.pack("!HHH", 0x8180, 1, 0)


def test_an_address_has_a_name() -> None:
    assert dns.pointer(query("2.0.28.172.in-addr.arpa", dns.PTR), "web.one").endswith(b"\0\x09\x03web\x03one\0")
    assert dns.reversed_address("2.0.28.172.in-addr.arpa") == "172.28.0.2"
    assert [dns.reversed_address(name) for name in ("web", "2.0.28.in-addr.arpa", "1.2.3.4.in-addr.arpa.x")] == [""] * 3
