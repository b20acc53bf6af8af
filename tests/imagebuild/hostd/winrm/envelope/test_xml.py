# SPDX-License-Identifier: Apache-2.0
"""XML of strangers: read strictly, within bounds."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.errors import FormatError
from imagebuild.hostd.winrm.envelope import xml


def test_elements_have_namespaces_attributes_and_text() -> None:
    root = xml.parse(b'<a:x xmlns:a="urn:a" b="1" a:c="2">t<y xmlns="urn:y"> v </y></a:x>')
    assert root.name == ("urn:a", "x") and root.text == "t"
    assert root.attributes == {("", "b"): "1", ("urn:a", "c"): "2"}
    assert root.value("urn:y", "y") == "v" and root.value("urn:y", "z", "none") == "none"


@pytest.mark.parametrize("data", [
    b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', b"<?do it?><a/>",
    b"<a>&nosuch;</a>", b"<a>", b"", b"no xml", b"\x00", b"<a/><b/>", b"<a" + b" b='1'" * 2 + b"/>",
    b"<a>" * (xml.DEPTH + 1) + b"</a>" * (xml.DEPTH + 1),
    b"<a>" + b"<b/>" * xml.ELEMENTS + b"</a>",
    b"<a " + b" ".join(b"x%d='1'" % number for number in range(xml.ATTRIBUTES + 1)) + b"/>"])
def test_what_soap_does_not_have_and_what_is_too_much_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        xml.parse(data)


@given(st.binary(max_size=200))
def test_whatever_comes_is_an_element_or_a_format_error(data: bytes) -> None:
    with contextlib.suppress(FormatError):
        xml.parse(data)


@given(st.text())
def test_text_that_is_written_is_read_again(value: str) -> None:
    read = xml.parse(xml.element("a", xml.text(value)).encode()).text
    kept = "".join(char if char in "\t\n\r" or ((char >= " " and char not in "\ufffe\uffff") and not
                   "\ud800" <= char <= "\udfff") else "?" for char in value)
    assert read == kept.replace("\r\n", "\n").replace("\r", "\n")
