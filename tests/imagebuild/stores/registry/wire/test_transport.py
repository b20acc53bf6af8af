# SPDX-License-Identifier: Apache-2.0
"""The stream of an answer's body."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any, cast

import pytest
import requests
from support.registry_double import RegistryDouble, answer

from imagebuild.errors import RegistryError
from imagebuild.stores.registry.wire.transport import Body, Timeouts, Transport


class Raw(io.BytesIO):
    """urllib3's response, as far as a body needs it, without what is inside today's."""

    def read(self, size: int | None = -1, decode_content: bool | None = None) -> bytes:
        return super().read(size)


def test_a_body_is_read_into_a_buffer_even_when_urllib3_is_another_inside() -> None:
    body = Body(cast(Any, SimpleNamespace(raw=Raw(b"abcdefg"), close=lambda: None)), "x")
    buffer = memoryview(bytearray(4))
    assert (body.readinto(buffer), bytes(buffer)) == (4, b"abcd")
    assert (body.readinto(buffer), bytes(buffer[:3])) == (3, b"efg")
    assert body.readinto(buffer) == 0


def test_todays_urllib3_is_read_without_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Body, "read", lambda self, size: pytest.fail("the slow way"))
    with RegistryDouble() as double:
        double.next("GET", "/x", answer(200, body=b"abcdefg"), times=2)
        transport = Transport()
        for _ in range(2):
            reply = transport.send("GET", f"{double.url}/x")
            buffer = memoryview(bytearray(100))
            assert (reply.body.readinto(buffer), bytes(buffer[:7])) == (7, b"abcdefg")
            assert reply.body.readinto(buffer) == 0
        transport.close()


def test_a_connection_whose_body_was_read_is_used_again() -> None:
    with RegistryDouble() as double:
        double.next("GET", "/x", answer(200, body=b"abcdefg"), times=3)
        transport = Transport()
        session = transport._opened()
        for _ in range(3):
            reply = transport.send("GET", f"{double.url}/x")
            while reply.body.readinto(memoryview(bytearray(100))):
                pass
        adapter = cast(requests.adapters.HTTPAdapter, session.get_adapter(double.url))
        pools = adapter.poolmanager.pools
        made = sum(pools[key].num_connections for key in pools.keys())  # noqa: SIM118 (it is no mapping)
        transport.close()
        assert made == 1


def test_a_compressed_answer_is_not_unpacked_on_the_way() -> None:
    with RegistryDouble() as double:
        double.next("GET", "/x", answer(200, {"Content-Encoding": "gzip"}, b"\x1f\x8b not really"))
        transport = Transport()
        reply = transport.send("GET", f"{double.url}/x")
        buffer = memoryview(bytearray(100))
        assert bytes(buffer[:reply.body.readinto(buffer)]) == b"\x1f\x8b not really"
        transport.close()


def test_timeouts_of_a_request_win_over_those_of_all() -> None:
    from support.registry_double import stall

    with RegistryDouble() as double:
        double.next("GET", "/x", stall())
        transport = Transport(timeouts=Timeouts(5, 600))
        with pytest.raises(RegistryError, match="no answer in time"):
            transport.send("GET", f"{double.url}/x", timeouts=Timeouts(1, 0.05))
        transport.close()
