# SPDX-License-Identifier: Apache-2.0
"""JSON of images: limits, offsets, and what is carried through untouched."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.errors import FormatError
from imagebuild.oci import document
from imagebuild.oci.document import MAX_DEPTH, Writer, quote, read


@pytest.mark.parametrize(("data", "offset"), [
    (b"", 0),
    (b"[]", 0),
    (b"null", 0),
    (b'{"a":1', 6),
    (b'{"a":1}x', 7),
    (b'{"a":1}{"b":2}', 7),
    (b'{"a":NaN}', 0),
    (b'{"a":-Infinity}', 0),
    (b'{"a":1,x}', 7),
    (b"{'a':1}", 1),
    (b'{"a":"\x01"}', 6),
    (b'{"a":"\xff"}', 6),
    (b"\xef\xbb\xbf{}", 0),
    (b'{"a":1,"a":2}', 11),
    (b'{"\xc3\xa9":1,"b":tru}', 12),
])
def test_bad_json_is_refused_with_the_byte_where_it_is_bad(data: bytes, offset: int) -> None:
    with pytest.raises(FormatError) as caught:
        read(data, source="x")
    assert (caught.value.offset, caught.value.source) == (offset, "x")


def test_nesting_is_read_to_the_limit_and_not_beyond() -> None:
    fits = b'{"a":' + b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1) + b"}"
    assert read(fits, source="x").has("a")
    with pytest.raises(FormatError, match="nested too deeply"):
        read(fits.replace(b"[", b"[[", 1).replace(b"]", b"]]", 1), source="x")
    with pytest.raises(FormatError):
        read(b'{"a":' + b"[" * 200_000, source="x")


def test_brackets_inside_strings_do_not_nest() -> None:
    assert read(b'{"a":"' + b"[" * 500 + b'\\"[{"}', source="x").string("a").endswith('"[{')


def test_size_is_limited() -> None:
    read(b'{"a":"' + b"x" * 10 + b'"}', source="x", limit=18)
    with pytest.raises(FormatError, match="too large"):
        read(b'{"a":"' + b"x" * 11 + b'"}', source="x", limit=18)


def test_a_number_of_thousands_of_digits_is_refused_not_computed() -> None:
    with pytest.raises(FormatError):
        read(b'{"size":' + b"9" * 100_000 + b"}", source="x").integer("size")


def test_fields_nobody_asked_for_keep_the_text_they_had() -> None:
    fields = read(b'{"a":1, "z" : {"b": 1.50, "c":"\\u00e9<"} ,"big":123456789012345678901234567890}', source="x")
    assert fields.integer("a") == 1
    assert fields.rest() == (("z", '{"b": 1.50, "c":"\\u00e9<"}'), ("big", "123456789012345678901234567890"))


def test_null_reads_as_absent() -> None:
    fields = read(b'{"a":null}', source="x")
    assert (fields.string("a"), fields.strings("a"), fields.object("a"), fields.boolean("a")) == ("", None, None, False)
    assert not fields.has("a")


@pytest.mark.parametrize(("method", "value"), [
    ("string", b"1"), ("integer", b'"1"'), ("integer", b"true"), ("integer", b"1.0"), ("boolean", b"0"),
    ("strings", b'{"a":1}'), ("strings", b"[1]"), ("string_map", b'{"a":1}'), ("string_map", b"[]"),
    ("object", b"[]"), ("objects", b"{}"), ("objects", b"[1]"), ("names", b"[]"),
])
def test_a_field_of_the_wrong_kind_is_refused_where_it_stands(method: str, value: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        getattr(read(b'{"name":' + value + b"}", source="x"), method)("name")
    assert caught.value.offset is not None
    assert caught.value.offset >= 8


def test_strings_are_written_as_go_writes_them() -> None:
    # json.Marshal("<a>&\u2028é\"\\\n\x01") of Go 1.24
    assert quote('<a>&\u2028é"\\\n\x01') == '"\\u003ca\\u003e\\u0026\\u2028é\\"\\\\\\n\\u0001"'


@given(st.text())
def test_a_string_survives_writing_and_reading(text: str) -> None:
    out = Writer()
    out.string("a", text, always=True)
    data = out.text().encode()
    assert json.loads(data) == {"a": text}
    assert read(data, source="x").string("a") == text


def test_half_a_surrogate_is_carried_through() -> None:
    text = read(b'{"a":"\\ud800x"}', source="x").string("a")
    out = Writer()
    out.string("a", text)
    assert out.text() == '{"a":"\\ud800x"}'


@given(st.binary(max_size=60) | st.text(alphabet='{}[]":,\\ntruefalse0129.-eE ', max_size=60).map(str.encode))
def test_no_input_escapes_as_another_error(data: bytes) -> None:
    try:
        fields = read(data, source="x")
        fields.rest()
    except FormatError:
        pass


def test_pairs_are_sorted_and_unique() -> None:
    assert document.pairs([("b", "1"), ("a", "2"), ("b", "3")]) == (("a", "2"), ("b", "3"))
