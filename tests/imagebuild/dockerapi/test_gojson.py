# SPDX-License-Identifier: Apache-2.0
"""One JSON document, as Go reads and writes it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.dockerapi import faults, gojson

VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.text(),
                      lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))


@given(VALUES)
def test_a_value_is_read_as_it_was_written(value: Any) -> None:
    data = gojson.dumps(value)
    assert gojson.loads(data) == value
    assert b"\n" not in data and "\u2028".encode() not in data


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:0123tfn\\ ', max_size=20).map(str.encode))
def test_any_bytes_are_json_or_a_bad_request(data: bytes) -> None:
    try:
        gojson.loads(data)
    except faults.BadRequest as fault:
        assert fault.message
    else:
        json.loads(data.decode("utf-8", "replace"))


def test_half_a_pair_is_read_as_what_stands_for_no_character() -> None:
    assert gojson.loads(b'{"\\ud800": ["\\uDFFFx", {"a": "\\ud83d\\ude00"}], "b": 1}') == {
        "\ufffd": ["\ufffdx", {"a": "\U0001f600"}], "b": 1}


def test_half_a_pair_far_inside_is_a_bad_request_at_most() -> None:
    for depth in (100, 400, 700, 900, 990):
        try:
            gojson.loads(b"[" * depth + b'"\\ud800"' + b"]" * depth)
        except faults.BadRequest as fault:
            assert fault.message == "invalid JSON: exceeded max depth"


def test_text_goes_out_as_it_is() -> None:
    assert gojson.dumps({"a": "é<&>\u2028\ud800"}) == '{"a":"é<&>\\u2028�"}'.encode()


@pytest.mark.parametrize(("data", "message"), [
    (b"", "invalid JSON: got EOF while reading request body"),
    (b" \n", "invalid JSON: got EOF while reading request body"),
    (b'{"a":', "invalid JSON: unexpected EOF"), (b'{"a', "invalid JSON: unexpected EOF"),
    (b"{} {}", "unexpected content after JSON"), (b"{}x", "unexpected content after JSON"),
    (b"<xml>", "invalid JSON: invalid character '<' looking for beginning of value"),
    (b"NaN", "invalid JSON: invalid character 'N' looking for beginning of value"),
    (b"{a:1}", "invalid JSON: invalid character 'a' looking for beginning of object key string"),
    (b'{"a" 1}', "invalid JSON: invalid character '1' after object key"),
    (b'{"a":1 "b"}', "invalid JSON: invalid character '\"' after object key:value pair or array element"),
    (b"[" * 100_000, "invalid JSON: exceeded max depth"),
])
def test_bad_json_is_refused_in_gos_words(data: bytes, message: str) -> None:
    with pytest.raises(faults.BadRequest) as refused:
        gojson.loads(data)
    assert refused.value.message == message
