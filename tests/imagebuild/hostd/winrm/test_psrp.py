# SPDX-License-Identifier: Apache-2.0
"""Fragments and packets of PowerShell's remoting, as a carrier sees them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.errors import FormatError
from imagebuild.hostd.winrm import psrp

POOL = bytes(range(16))


def cut(identity: int, whole: bytes, size: int) -> bytes:
    """A message in several fragments."""
    parts = [whole[at:at + size] for at in range(0, len(whole), size)]
    return b"".join(psrp._FRAGMENT.pack(identity, number, (number == 0) | (number == len(parts) - 1) << 1, len(part)) +
                    part for number, part in enumerate(parts))


@given(st.binary(min_size=1, max_size=300), st.integers(1, 50))
def test_a_message_in_fragments_is_put_together_again(data: bytes, size: int) -> None:
    whole = psrp.message(psrp.PIPELINE_STATE, POOL, data)
    seen = psrp.Assembler(frozenset({psrp.PIPELINE_STATE}))
    raw = cut(7, whole, max(size, 40))
    found = [message for one in psrp.fragments(raw) if (message := seen.feed(one)) is not None]
    assert [(one.data, one.pool, one.raw) for one in found] == [(data, POOL, raw)]


def test_messages_of_other_types_go_by() -> None:
    seen = psrp.Assembler(frozenset({psrp.PIPELINE_STATE}))
    assert [seen.feed(one) for one in psrp.fragments(psrp.fragment(1, psrp.message(0x41004, POOL, b"out")))] == [None]


@pytest.mark.parametrize("data", [b"\0" * 20, psrp.fragment(1, b"abc")[:-1]])
def test_a_cut_fragment_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError, match="cut"):
        list(psrp.fragments(data))


@pytest.mark.parametrize(("state", "over"), [(0, False), (1, False), (2, False), (3, True), (4, True), (5, True),
                                             (6, False)])
def test_a_pipeline_is_over_when_it_stopped_completed_or_failed(state: int, over: bool) -> None:
    data = b'\xef\xbb\xbf<Obj RefId="0"><MS><I32 N="PipelineState">%d</I32></MS></Obj>' % state
    assert psrp.is_over(psrp.Message(psrp.PIPELINE_STATE, POOL, POOL, data, b"")) is over


@given(st.sampled_from(["Data", "Command", "Close"]), st.sampled_from(["", "Default", "PromptResponse"]), st.binary())
def test_a_packet_is_read_as_it_was_written(name: str, stream: str, data: bytes) -> None:
    packet = psrp.Packet(name, psrp.POOL, stream, data)
    assert psrp.packet(packet.line()) == packet


@pytest.mark.parametrize("line", [b"", b"hello", b"<Data>!</Data>", b"<Data PSGuid='x'>"])
def test_a_line_that_is_no_packet_is_a_format_error(line: bytes) -> None:
    with pytest.raises(FormatError):
        psrp.packet(line)
