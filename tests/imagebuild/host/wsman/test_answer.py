# SPDX-License-Identifier: Apache-2.0
"""Answers of WS-Management: what is read of them, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.errors import FormatError
from imagebuild.host.wsman import answer, names


def envelope(body: str) -> bytes:
    return (f'<s:Envelope xmlns:s="{names.SOAP}" xmlns:r="{names.SHELL}" xmlns:f="{names.FAULT}">'
            f"<s:Body>{body}</s:Body></s:Envelope>").encode()


def test_output_its_end_and_the_code_are_read() -> None:
    got = answer.output(answer.parse(envelope(
        '<r:ReceiveResponse><r:Stream Name="stdout" CommandId="1">aGVs\nbG8=</r:Stream>'
        '<r:Stream Name="stderr" CommandId="1">b29wcw==</r:Stream><r:Stream Name="stdout" CommandId="1" End="true"/>'
        f'<r:CommandState CommandId="1" State="{names.DONE}"><r:ExitCode>-1</r:ExitCode></r:CommandState>'
        '</r:ReceiveResponse>')))
    assert got == answer.Output((("stdout", b"hello"), ("stderr", b"oops")), True, 0xFFFFFFFF)


def test_output_of_a_command_that_runs_has_no_code() -> None:
    got = answer.output(answer.parse(envelope(
        f'<r:ReceiveResponse><r:CommandState State="{names.SHELL}/CommandState/Running"/></r:ReceiveResponse>')))
    assert got == answer.Output((), False, None)


def test_a_fault_has_windows_number_and_its_sentence() -> None:
    found = answer.fault(answer.parse(envelope(
        '<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>w:TimedOut</s:Value></s:Subcode></s:Code>'
        '<s:Reason><s:Text>too long</s:Text></s:Reason><s:Detail><f:WSManFault Code="2150858793">'
        '<f:Message>It took \n too long</f:Message></f:WSManFault></s:Detail></s:Fault>')))
    assert found == answer.Fault(2150858793, "It took too long", "TimedOut")


def test_the_number_of_a_wmi_error_counts() -> None:
    found = answer.fault(answer.parse(envelope(
        f'<s:Fault><s:Detail><x:MSFT_WmiError xmlns:x="{names.WMI_FAULT}"><x:error_Code>2150859174</x:error_Code>'
        '</x:MSFT_WmiError></s:Detail></s:Fault>')))
    assert found is not None and found.code == names.OPERATION_QUOTA


@pytest.mark.parametrize(("data", "why"), [
    (b'<!DOCTYPE x [<!ENTITY a "b">]>' + envelope(""), "document type"),
    (b'<?xml version="1.0" encoding="cp037"?>' + envelope("<!DOCTYPE x>"), "document type"),
    ('<!DOCTYPE x []>'.encode("utf-16"), "document type"),
    (b"\xff\xfe\x00", "UTF-16"), (b"<html/>", "SOAP"), (b"", "not XML"), (b"<s:Envelope", "not XML"),
    (b"\x00" * 9, "not XML"), (b"x" * (answer.LARGEST + 1), "too long"),
])
def test_hostile_and_broken_xml_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(FormatError, match=why):
        answer.parse(data)


@pytest.mark.parametrize("body", [
    '<r:Stream Name="stdout">a</r:Stream>',
    f'<r:CommandState State="{names.DONE}"><r:ExitCode>0x1</r:ExitCode></r:CommandState>',
    f'<r:CommandState State="{names.DONE}"><r:ExitCode>{"9" * 5000}</r:ExitCode></r:CommandState>',
])
def test_output_that_makes_no_sense_is_refused(body: str) -> None:
    with pytest.raises(FormatError):
        answer.output(answer.parse(envelope(body)))


@given(st.binary(max_size=300))
def test_whatever_comes_nothing_but_a_format_error_is_raised(data: bytes) -> None:
    for bytes_ in (data, envelope("").replace(b"<s:Body>", b"<s:Body>" + data)):
        try:
            root = answer.parse(bytes_)
            answer.fault(root)
            answer.output(root)
            answer.shell_id(root)
        except FormatError:
            pass
