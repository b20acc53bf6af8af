# SPDX-License-Identifier: Apache-2.0
"""Streams of JSON documents, cut anywhere, with or without lines."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.dockerapi import jsonlines
from imagebuild.dockerapi.jsonlines import Message, Progress
from imagebuild.errors import FormatError

DOCUMENTS = st.lists(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8),
                                  lambda inner: st.lists(inner, max_size=3)
                                  | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=8), max_size=5)


@given(DOCUMENTS, st.sampled_from(["\r\n", "\n", " ", "\n\n"]), st.booleans(), st.integers(1, 7))
def test_documents_come_out_wherever_the_bytes_were_cut(documents: list[Any], end: str, plain: bool,
                                                        size: int) -> None:
    wire = "".join(json.dumps(one, ensure_ascii=plain) + end for one in documents).encode()
    assert list(jsonlines.documents(wire[at:at + size] for at in range(0, len(wire), size))) == documents


@given(DOCUMENTS.map(lambda some: [one for one in some if isinstance(one, dict | list | str)]), st.integers(1, 7))
def test_documents_may_stand_back_to_back(documents: list[Any], size: int) -> None:
    wire = "".join(map(json.dumps, documents)).encode()
    assert list(jsonlines.documents(wire[at:at + size] for at in range(0, len(wire), size))) == documents


@given(st.binary(max_size=60), st.integers(1, 9))
def test_any_bytes_are_documents_or_a_format_error(data: bytes, size: int) -> None:
    try:
        list(jsonlines.documents(data[at:at + size] for at in range(0, len(data), size)))
    except FormatError as error:
        assert error.offset is not None and 0 <= error.offset <= len(data)


@pytest.mark.parametrize("data", [b'{"a":1', b'"abc', b"[1,2", b"tru", b"}", b'{"a":1}}', b'{"a" 1}'])
def test_what_is_cut_or_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError, match="not JSON"):
        list(jsonlines.documents([data]))


def test_a_document_without_an_end_does_not_fill_the_memory() -> None:
    decoder = jsonlines.Decoder(limit=1000)
    with pytest.raises(FormatError, match="longer than 1000 bytes"):
        for _ in range(100):
            list(decoder.feed(b'{"' + b"a" * 100))


def test_many_small_pieces_of_a_long_document_take_no_longer_than_few() -> None:
    wire = json.dumps({"k" * 10: ["v" * 10] * 60_000}).encode()
    start = time.perf_counter()
    assert len(list(jsonlines.documents(wire[at:at + 100] for at in range(0, len(wire), 100)))) == 1
    assert time.perf_counter() - start < 20  # each look at all that is held would take minutes


FULL = st.builds(Message, stream=st.text(), status=st.text(), id=st.text(), error=st.text(), code=st.just(0),
                 progress=st.none() | st.builds(Progress, st.integers(1, 99), st.integers(0, 99), st.text(max_size=4)),
                 aux=st.none() | st.dictionaries(st.text(), st.text(), max_size=2))


@given(FULL)
def test_a_message_is_read_as_it_was_written(message: Message) -> None:
    assert message.line().endswith(b"}\r\n") and message.line().count(b"\n") == 1
    [document] = jsonlines.documents([message.line()])
    assert jsonlines.message(document) == message


def test_a_message_is_as_moby_writes_it() -> None:
    assert Message(status="Downloading", id="abc", progress=Progress(1, 100)).line() == (
        b'{"status":"Downloading","progressDetail":{"current":1,"total":100},"id":"abc"}\r\n')
    assert jsonlines.error_line("it <broke>", 5) == (
        b'{"errorDetail":{"code":5,"message":"it <broke>"},"error":"it <broke>"}\r\n')


@pytest.mark.parametrize("document", [7, [], {"stream": 3, "progressDetail": "x", "errorDetail": 1},
                                      {"errorDetail": {"code": True}, "progressDetail": {"current": "1"}}])
def test_what_has_other_types_is_left_out(document: Any) -> None:
    message = jsonlines.message(document)
    assert (message.stream, message.error, message.code) == ("", "", 0)
    assert message.raw == document
